"""Where the distribution keeps BCC's Python binding. PyPI's `bcc` is another thing and is never used."""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import sys
from types import ModuleType

PLACES = (
    "/usr/lib/python3/dist-packages/bcc/__init__.py",
    "/usr/lib/python3*/site-packages/bcc/__init__.py",
    "/usr/lib64/python3*/site-packages/bcc/__init__.py",
)
ADVICE = "install the distribution's BCC (Debian and Ubuntu: python3-bpfcc, Fedora: python3-bcc, Alpine: py3-bcc)"


class MissingError(Exception):
    """Something that this host would need; the text says what and how to get it."""


def find_bcc() -> str:
    """The path of the distribution's bcc/__init__.py; raises MissingError."""
    found = [path for place in PLACES for path in sorted(glob.glob(place))]
    if not found:
        raise MissingError(f"BCC is not installed: {ADVICE}")
    return found[0]


def load_bcc() -> ModuleType:
    """Import BCC alone, without opening the distribution's packages to everything else."""
    path = find_bcc()
    spec = importlib.util.spec_from_file_location("bcc", path, submodule_search_locations=[path.rpartition("/")[0]])
    if spec is None or spec.loader is None:
        raise MissingError(f"{path} cannot be imported: {ADVICE}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["bcc"] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        raise MissingError(f"BCC cannot be imported ({error}): {ADVICE}") from error
    return module


def library() -> ctypes.CDLL:
    """libbpf, which BCC depends on; raises MissingError."""
    for name in ("libbpf.so.1", "libbpf.so.0", "libbcc.so.0"):
        try:
            return ctypes.CDLL(name, use_errno=True)
        except OSError:
            continue
    raise MissingError("libbpf is missing: install the distribution's BCC (Debian: python3-bpfcc)")
