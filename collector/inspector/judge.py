"""The judge of an inspector, from the settings that the core sent."""

from __future__ import annotations

from collector.core import link
from collector.detect.judge import Judge
from collector.detect.settings import from_plain


def build_judge(setup: link.Setup) -> Judge:
    """Raises msgspec.ValidationError or ValueError for settings that cannot stand; the core has checked them."""
    return Judge(from_plain(setup.settings.get("detect", {})))
