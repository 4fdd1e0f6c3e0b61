#!/bin/sh
# Renew the lock (one set of versions for every Python we support) and environment.yml.
set -eu
command -v uv >/dev/null 2>&1 || { echo "lock: needs uv (pip install uv)" >&2; exit 1; }
# One numpy and one scipy for all Pythons: newer ones have left 3.11.
uv pip compile pyproject.toml --group test --group build --constraint scripts/constraints.txt \
  --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
  --output-file requirements.lock --quiet
python3 scripts/environment.py > environment.yml
