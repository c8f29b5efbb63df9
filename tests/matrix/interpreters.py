"""The CPythons of this machine, and those that could be obtained for it.

`python -m tests.matrix.interpreters` obtains what is missing and can be had (tests/matrix/obtain.py).
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.matrix import obtain

VERSIONS = ("2.7", *(f"3.{minor}" for minor in range(5, 15)))
SYSTEMS = tuple(name for name in obtain.SOURCES if "-" in name)
"""Interpreters of other processors: version, hyphen, machine."""


@functools.cache
def interpreter(version: str) -> str:
    """The path of one of VERSIONS or SYSTEMS, from pyenv, from PATH or obtained; empty where there is none."""
    places = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere"), "versions").glob(f"{version}.*/bin/python"))
    candidates = [*map(str, places), shutil.which(f"python{version}"), obtain.obtained(version)]
    return next((path for path in candidates if path and answers(path, version)), "")


def missing(name: str) -> str:
    """Why there is no such interpreter."""
    why = obtain.reason(name) if name in obtain.SOURCES else ""
    return f"no CPython {name} on this machine" + (f": {why}" if why else "")


def answers(path: str, version: str) -> bool:
    """Whether it really is this version; a pyenv shim may stand for nothing."""
    return release(path).startswith(f"CPython {version.partition('-')[0]}.")


@functools.cache
def release(path: str) -> str:
    """Implementation and version, as the interpreter itself says; empty where it does not run."""
    code = "import platform as p; print(p.python_implementation() + ' ' + p.python_version())"
    try:
        return subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=30).stdout.strip()
    except OSError:
        return ""


def main() -> int:
    """Obtain what is missing; what cannot be had is said and fails nothing: its rows are skipped."""
    for name in obtain.SOURCES:
        if obtain.obtained(name) or (name in VERSIONS and interpreter(name)):
            continue
        try:
            print(f"setup: CPython {name}: {obtain.obtain(name)}", file=sys.stderr, flush=True)
        except obtain.UnobtainableError as error:
            print(f"setup: CPython {name} cannot be had: {error}", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
