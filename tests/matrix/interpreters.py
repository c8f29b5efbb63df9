"""The CPythons of this machine."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

VERSIONS = ("2.7", *(f"3.{minor}" for minor in range(5, 15)))


@functools.cache
def interpreter(version: str) -> str:
    """The path of an interpreter of this version, from PATH or from pyenv; empty where there is none."""
    places = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere"), "versions").glob(f"{version}.*/bin/python"))
    candidates = [*map(str, places), shutil.which(f"python{version}")]
    return next((path for path in candidates if path and answers(path, version)), "")


def answers(path: str, version: str) -> bool:
    """Whether it really is this version; a pyenv shim may stand for nothing."""
    code = "import sys, platform; print('%d.%d %s' % (sys.version_info[:2] + (platform.python_implementation(),)))"
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=30)
    return done.stdout.split() == [version, "CPython"]
