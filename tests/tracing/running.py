"""Runs a script of this folder in an environment of the matrix and reads what it prints."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.e2e.harness import ROOT
from tests.matrix.environments import AbsentError, Environment, environment


def environment_or_skip(packages: str, version: str) -> Environment:
    """The environment; skips where the interpreter is absent."""
    try:
        return environment(packages, version)
    except AbsentError as error:
        pytest.skip(str(error))


def said(packages: str, version: str, module: str, *words: str, **variables: str) -> Any:
    """The JSON that `python -m MODULE WORDS` prints there; skips where the interpreter is absent."""
    found = environment_or_skip(packages, version)
    done = subprocess.run(
        [found.python, "-m", module, *words], capture_output=True, text=True, timeout=120, cwd="/",
        env={**found.variables(ROOT), "COWITNESS_RUN_DIR": "/nonexistent", **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    return json.loads(done.stdout.splitlines()[-1])
