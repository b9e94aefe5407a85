#!/usr/bin/env bash
# Install Debian's Chromium, with which tests open web pages, where it is missing. As root, through apt-get;
# others are told the command.
set -euo pipefail

[ -x /usr/bin/chromium ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "setup: the tests of web pages need Chromium; run: sudo apt-get install chromium" >&2
    exit 1
fi
echo "setup: installing chromium, for the tests of web pages"
apt-get update -qq || true
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || {
    echo "setup: apt-get could not install chromium, which the tests of web pages need." >&2
    exit 1
}
