#!/bin/sh
# Install the daemon on this host: `deploy/install.sh [PREFIX]` from a checkout, as root. PREFIX is /opt/cowitness by default.
# Runs again to upgrade. The Dockerfile calls it, too.
set -eu
cd "$(dirname "$0")/.."
prefix=${1:-/opt/cowitness}
[ "$(id -u)" = 0 ] || { echo "install.sh: root is needed" >&2; exit 1; }
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3-venv python3-dev gcc libc6-dev \
        python3-bpfcc linux-libc-dev modsecurity-crs >/dev/null
else
    echo "install.sh: no apt-get here; BCC for Python 3 and the C headers of the kernel's interface are yours to install" >&2
fi
# The distribution's own interpreter: its bcc module fits no other.
[ -x "$prefix/venv/bin/python" ] || /usr/bin/python3 -m venv "$prefix/venv"
"$prefix/venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.lock
"$prefix/venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/native.lock ||
    echo "install.sh: libinjection could not be built: SQL and scripts are found by expressions alone" >&2
"$prefix/venv/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall .
mkdir -p /etc/cowitness
[ -e /etc/cowitness/cowitness.toml ] || cp deploy/systemd/cowitness.toml /etc/cowitness/cowitness.toml
ln -sf "$prefix/venv/bin/cowitness" /usr/local/bin/cowitness
echo "installed: $(cowitness version)"
