"""Where what the tests fetch and build is kept: the user's cache, so that every checkout of a machine shares it."""

from __future__ import annotations

import os
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cowitness"
