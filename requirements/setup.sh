#!/bin/sh
# Everything that Cowitness needs on this machine; a no-op in seconds the second time. Called by make.
#
# As root on Debian and kin it installs the distribution's BCC and headers and mounts tracefs. Without root, or where a
# package cannot be had, it says what is missing and goes on: the collector and the agent work without the probes.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

# What only the tests and benches need: database and queue servers, headers for what comes as source, what makes interpreters run
# that this system does not have, and a peer of the rule engine.
test_packages() {
    [ "${COWITNESS_SETUP:-}" != test ] || echo redis-server postgresql mariadb-server libmariadb-dev pkg-config patchelf \
        qemu-user-static libmodsecurity-dev busybox-static qemu-system-x86 openssh-server openssh-client sshpass sudo
}

interpreters() {
    [ "${COWITNESS_SETUP:-}" != test ] || .venv/bin/python -m tests.matrix.interpreters
}

missing_packages() {
    for package in python3-venv python3-dev gcc libc6-dev python3-bpfcc linux-libc-dev modsecurity-crs \
        $(test_packages); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
    done
}

# Servers are for the tests to start: a package's own start of them (an sshd open to everybody) is declined.
quiet_services() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
}

system() {
    command -v apt-get >/dev/null || { say "no apt-get here: python3-venv and BCC for Python are yours to install"; return; }
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || { say "not root, so not installed: $missing(without BCC there are no probes)"; return; }
    say "installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
    quiet_services
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null || say "could not install all of: $missing"
}

tracefs() {
    [ "$(id -u)" = 0 ] || return 0
    [ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null ||
        say "tracefs cannot be mounted: there will be no probes"
}

python() {
    stamp=.venv/stamp
    sum=$(cat requirements/dev.lock requirements/native.lock pyproject.toml pyagent/pyproject.toml requirements/setup.sh | sha256sum)
    [ -x .venv/bin/cowitness ] && [ -x .venv/bin/cowitness-run ] && [ "$(cat $stamp 2>/dev/null)" = "$sum" ] && return 0
    # The distribution's own interpreter: its bcc module fits no other.
    interpreter=${COWITNESS_PYTHON:-/usr/bin/python3}
    [ -x "$interpreter" ] || interpreter=$(command -v python3)
    say "making .venv with $interpreter"
    [ -x .venv/bin/python ] || "$interpreter" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/native.lock ||
        say "libinjection could not be built: SQL and scripts are found by expressions alone"
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e . -e ./pyagent
    say "compiling the rules"
    .venv/bin/cowitness rules list >/dev/null
    printf '%s\n' "$sum" > "$stamp"
}

system
tracefs
python
interpreters
