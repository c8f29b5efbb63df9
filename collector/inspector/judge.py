"""The judge of an inspector, from the settings that the core sent."""

from __future__ import annotations

from msgspec.structs import replace

from collector.core import link
from collector.detect.judge import Judge
from collector.detect.match import cache
from collector.detect.settings import from_plain


def build_judge(setup: link.Setup) -> Judge:
    """Raises msgspec.ValidationError or ValueError for settings that cannot stand; the core has checked them."""
    settings = from_plain(setup.settings.get("detect", {}))
    if not settings.cache_dir and cache.directory("") is None:
        state_dir = setup.settings.get("paths", {}).get("state_dir", "")
        settings = replace(settings, cache_dir=f"{state_dir}/rules" if state_dir else "")
    return Judge(settings)
