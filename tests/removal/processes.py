"""Runs a module of this folder under an interpreter, with the packages of several environments at once."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.matrix.environments import AbsentError, environment
from tests.matrix.interpreters import interpreter

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {
    "2.7": ["servers-old", "django-1.8", "drivers-old"],
    "3.6": ["servers-old", "django-2.2", "drivers-old"],
    "3.8": ["flask-2.3", "django-3.2", "asgi"],
    "3.11": ["flask-3", "django-5.2", "asgi", "drivers"],
    "3.13": ["flask-3", "django-newest", "asgi", "drivers"],
}
"""What is tried together on each representative interpreter; the first environment goes first on the path."""


def run(module: str, version: str, run_dir: Path, *words: str, packages: bool = True) -> Any:
    """What `python -m MODULE WORDS` prints as JSON; skips where there is no such interpreter."""
    if not (python := interpreter(version)):
        pytest.skip(f"no CPython {version} on this machine")
    try:
        folders = [environment(name, version).directory for name in ENVIRONMENTS[version] if packages]
    except AbsentError as error:
        pytest.skip(str(error))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COWITNESS"))}
    path = os.pathsep.join(map(str, [ROOT, *folders]))
    command = [python, "-B", "-m", f"tests.removal.programs.{module}", *words]
    done = subprocess.run(
        command, cwd=run_dir, capture_output=True, text=True, timeout=300,
        env={**kept, "PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "COWITNESS_RUN_DIR": str(run_dir)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
