"""`python -m tests.matrix.lock [NAME...]`: write the locks of tests/matrix/locks from environments.toml.

Each interpreter's own pip resolves; a lock holds name, version and the hash of the file that it chose.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.matrix.environments import declared, lock_path, pip_command
from tests.matrix.interpreters import interpreter

WHEEL = re.compile(r"^(?P<name>.+?)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$")
SOURCE = re.compile(r"^(?P<name>.+)-(?P<version>[^-]+?)\.(tar\.gz|zip|tar\.bz2|tgz)$")


def pinned(file: Path) -> str:
    """The line of a lock for one downloaded file."""
    match = WHEEL.match(file.name) or SOURCE.match(file.name)
    assert match, file.name
    name = re.sub(r"[-_.]+", "-", match["name"]).lower()
    return f"{name}=={match['version']} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def lock(name: str, version: str) -> None:
    """Resolve one environment and write its lock."""
    command, variables = pip_command(version)
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [*command, "download", "-q", "-d", scratch, *declared()[name]["requires"]],
            env=variables, check=True, timeout=580,
        )  # fmt: skip
        lines = sorted(pinned(file) for file in Path(scratch).iterdir())
    lock_path(name, version).write_text("\n".join(lines) + "\n")
    print(f"{lock_path(name, version).name}: {len(lines)} packages", flush=True)


def main(names: list[str]) -> int:
    """Lock what is named, else everything; says what it cannot."""
    failed = 0
    for name in names or declared():
        for version in declared()[name]["pythons"]:
            if not interpreter(version):
                print(f"{name}-py{version}: no such interpreter here, left as it is", flush=True)
                continue
            try:
                lock(name, version)
            except subprocess.CalledProcessError:
                failed += 1
                print(f"{name}-py{version}: pip could not resolve it", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
