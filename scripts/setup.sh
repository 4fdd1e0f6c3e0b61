#!/bin/sh
# Make the virtual environment with the locked packages; say what is wrong when something is.
set -eu
python="$1" venv="$2"

stop() { printf 'setup: %s\n' "$1" >&2; exit 1; }

command -v "$python" >/dev/null 2>&1 || stop "no '$python' here. Install Python 3.11 to 3.13, or name one: make course PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
  || stop "$("$python" --version 2>&1) does not fit; 3.11 to 3.13 does. Name one: make course PYTHON=python3.12"
"$python" -c 'import venv, ensurepip' 2>/dev/null \
  || stop "Python's venv is missing. On Debian: apt install python3-venv"
free_kb=$(df -Pk . | awk 'NR == 2 {print $4}')
if [ ! -d "$venv" ] && [ "$free_kb" -lt 2500000 ]; then
  stop "2.5 GB of disk are needed for the packages, $((free_kb / 1000)) MB are free"
fi

if [ -d "$venv" ] && ! "$venv/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
  echo "The environment in $venv does not fit any more: making it anew."
  rm -rf "$venv"
fi
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv" || stop "the virtual environment could not be made in $venv"
echo "Installing the locked packages into $venv (a few minutes the first time) ..."
"$venv/bin/pip" install -qq --disable-pip-version-check --require-hashes -r requirements.lock \
  || stop "the packages could not be installed. Is there a network? Run the verb again to go on."
"$venv/bin/pip" install -qq --disable-pip-version-check --no-deps --no-build-isolation -e . \
  || stop "ecomlab itself could not be installed"
# Compiled once here: where Python is told not to write bytecode, every start would compile again.
"$venv/bin/python" -m compileall -q "$venv/lib" >/dev/null 2>&1 || true
touch "$venv/.ready"
