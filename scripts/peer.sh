#!/usr/bin/env bash
# Make .peer, an environment of its own with the real Prefect client and server at the versions of
# requirements/peer.txt. The contract's tests drive our server with it; benchmarks measure beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.peer/.headrace-peer
wanted="$(.venv/bin/python --version) $PWD $(sha256sum <requirements/peer.txt)"
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

echo "setup: making .peer (Prefect, for the tests of the contract) from requirements/peer.txt"
rm -rf .peer
.venv/bin/python -m venv .peer
# The lock is complete, so nothing is resolved (--no-deps).
.peer/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/peer.txt
printf '%s\n' "$wanted" >"$stamp"
