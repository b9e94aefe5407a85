#!/usr/bin/env bash
# Make .venv from the lock (requirements/dev.txt, hashes checked) and install headrace into it, editable.
# Does nothing when .venv already matches. PYTHON picks the interpreter, python3 otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
stamp=.venv/.headrace-setup

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "there is no $python: install Python 3.11 or newer (apt-get install python3)."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: headrace needs 3.11 or newer; name one with PYTHON=/path/to/python3."

wanted="$("$python" --version) $PWD $(cat requirements/dev.txt pyproject.toml scripts/setup.sh | sha256sum)"
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

# Debian and Ubuntu keep ensurepip, without which venv makes no pip, in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$python cannot make virtual environments; run: sudo apt-get install $package"
    fi
    echo "setup: installing $package"
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
        fail "apt-get could not install $package, which $python needs to make virtual environments."
fi

echo "setup: making .venv from requirements/dev.txt"
if ! .venv/bin/python -c "import sys; sys.exit(sys.prefix != '$PWD/.venv')" 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --require-hashes -r requirements/dev.txt
# The build backend comes from the lock too, so nothing unpinned is fetched to build.
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
printf '%s\n' "$wanted" >"$stamp"
