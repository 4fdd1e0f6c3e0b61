#!/bin/sh
# Make the ready stores again, and their lines of the card: run it when the simulated data change.
set -eu
make_store() { # name preset people days
    "$BIN/ecomlab" simulate --preset "$2" --seed 7 --people "$3" --days "$4" --out "datasets/$1"
    rm -f "datasets/$1.truth.zip" "datasets/$1.checkpoint.zip"
}
BIN=${BIN:-.venv/bin}
make_store tiny tiny 800 365
make_store west west_d2c 8000 730
make_store china cn_platform 8000 730
"$BIN/python" scripts/write_card.py
