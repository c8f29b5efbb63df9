"""Environments of (interpreter, pinned packages): made once, kept in the cache, found again by what they are made of.

An environment is a folder of packages on PYTHONPATH, installed by the interpreter it is for from a lock with names,
versions and hashes. `python -m tests.matrix.lock` writes the locks from `environments.toml`.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.cache import CACHE
from tests.matrix.interpreters import interpreter, missing

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = CACHE / "environments"
PIPS = {"2.7": "pip-py2.7", "3.5": "pip-py3.5", "3.6": "pip-py3.6", "3.7": "pip-py3.7", "3.14": "pip-py3.14"}
"""Old interpreters come with a pip that does not know today's wheels, and the distribution's newest with none at all;
these locks hold one that works there."""


class AbsentError(Exception):
    """This machine has no such interpreter."""


@dataclass(frozen=True)
class Environment:
    """An interpreter and the folder of its packages."""

    version: str
    name: str
    python: str
    directory: Path

    def variables(self, *paths: str | Path) -> dict[str, str]:
        """The process's environment with these packages, and `paths` in front, and nothing of the caller's."""
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
        joined = os.pathsep.join(map(str, [*paths, self.directory]))
        return {**kept, "PYTHONPATH": joined, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@functools.cache
def declared() -> dict[str, dict[str, list[str]]]:
    """The environments of `environments.toml`: name -> {"requires", "pythons"}."""
    return tomllib.loads((HERE / "environments.toml").read_text())


def lock_path(name: str, version: str) -> Path:
    """Where the lock of one environment lies."""
    return HERE / "locks" / f"{name}-py{version}.txt"


@functools.cache
def environment(name: str, version: str) -> Environment:
    """The environment, made now if need be. Raises AbsentError, or RuntimeError with pip's last words."""
    if not (python := interpreter(version)):
        raise AbsentError(missing(version))
    directory = _folder(lock_path(name, version), python)
    _provide(python, lock_path(name, version), directory, _pip(version, python))
    return Environment(version, name, python, directory)


def _folder(lock: Path, python: str) -> Path:
    """The cached folder of a lock; a changed lock has another."""
    digest = hashlib.sha256(lock.read_bytes() + python.encode()).hexdigest()[:10]
    return ENVIRONMENTS / f"{lock.stem}-{digest}"


def pip_command(version: str) -> tuple[list[str], dict[str, str]]:
    """How to call a pip that works on this interpreter, and the variables it wants."""
    python = interpreter(version)
    folder = _pip(version, python)
    variables = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONWARNINGS="ignore")
    variables.pop("PYTHONPATH", None)
    if version == "2.7":  # the last pip's older resolver loses its links
        variables["PIP_USE_FEATURE"] = "2020-resolver"
    if folder:
        variables["PYTHONPATH"] = str(folder)
    return [python, "-m", "pip"], variables


def _pip(version: str, python: str) -> Path | None:
    """The folder of a pip for an interpreter whose own will not do. It is pure Python: any interpreter can fetch it."""
    if version not in PIPS:
        return None
    lock = HERE / "locks" / f"{PIPS[version]}.txt"
    folder = _folder(lock, python)
    _provide(sys.executable, lock, folder, None)
    return folder


def _provide(python: str, lock: Path, directory: Path, pip: Path | None) -> None:
    """Install unless it is there; several processes may want the same at once."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    if directory.exists():
        return
    with (ENVIRONMENTS / f"{directory.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not directory.exists():
            _install(python, lock, directory, pip)


def _install(python: str, lock: Path, directory: Path, pip: Path | None) -> None:
    """pip install --target into a scratch folder, then into its place at once."""
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if pip:
        variables["PYTHONPATH"] = str(pip)
    words = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS) as scratch:
        for attempt in ("first", "second"):  # the network has its moments
            target = Path(scratch) / attempt
            command = [*words, "--target", str(target), "-r", str(lock)]
            done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=580)
            if not done.returncode:
                target.mkdir(exist_ok=True)
                _open_namespaces(target)
                target.rename(directory)
                return
    raise RuntimeError(f"{lock.name}: {done.stdout[-500:]}{done.stderr[-2000:]}")


def _open_namespaces(target: Path) -> None:
    """Namespace packages as packages: 2.7 finds them through .pth files only, which PYTHONPATH does not read."""
    for folder in target.iterdir():
        if folder.is_dir() and folder.suffix not in (".dist-info", ".egg-info") and any(folder.glob("*/__init__.py")):
            first = folder / "__init__.py"
            if not first.exists():
                first.write_text("__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")
