"""The generated side of proto/ is what `make proto` writes today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROTO = Path(__file__).resolve().parents[1] / "proto"
SOURCE = "cowitness/v1/cowitness.proto"


@pytest.mark.parametrize("name", ["cowitness_pb2.py", "cowitness_pb2.pyi", "cowitness_pb2_grpc.py"])
def test_generated(name: str, tmp_path: Path) -> None:
    """A change of the .proto file comes with its Python."""
    out = [f"--{kind}={tmp_path}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", *out, SOURCE], cwd=PROTO.parent, check=True, timeout=60
    )
    assert (tmp_path / "cowitness" / "v1" / name).read_text() == (PROTO / "cowitness" / "v1" / name).read_text()
