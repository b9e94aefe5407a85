#!/usr/bin/env bash
# Write requirements/*.txt, the lock with hashes, from pyproject.toml. Keeps locked versions that still
# fit; `scripts/lock.sh --upgrade` takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=.venv-lock
[ -x "$tool/bin/uv" ] || { "${PYTHON:-python3}" -m venv "$tool" && "$tool/bin/pip" install --quiet uv; }

compile() {
    "$tool/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --quiet "$@"
}
compile pyproject.toml --output-file requirements/runtime.txt "$@"
compile pyproject.toml --group dev --output-file requirements/dev.txt "$@"
compile requirements/peer.in --output-file requirements/peer.txt "$@"
