"""From the settings to a template: files are read and checked once, before the first request."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from collector import whole
from collector.refusal.settings import PLACEHOLDER, ResponseSettings
from collector.refusal.template import HTML, JSON, Template

MAX_TEMPLATE = 64 << 10
REDIRECTS = (301, 302, 303, 307)

_PRINTED = re.compile(r"[!-~]+")

log = structlog.get_logger()


def load(settings: ResponseSettings) -> Template:
    """Raises ValueError, which names the setting and the file, for a template that cannot be used."""
    html, text = read(settings)
    return Template(
        settings.type, settings.status, html or HTML, text or JSON, _location(settings), settings.redirect_status
    )


def read(settings: ResponseSettings) -> tuple[str, str]:
    """The texts of the HTML and the JSON template, empty where there is none; raises ValueError like `load`."""
    html = _read("html_template", settings.html_template)
    text = _read("json_template", settings.json_template)
    if text:
        _check_json(settings.json_template, text)
    return html, text


def _read(setting: str, path: str) -> str:
    """The text of a template; empty where none is set."""
    if not path:
        return ""
    try:
        text = whole.text(Path(path), MAX_TEMPLATE)
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from None
    if not text.strip():
        raise ValueError(f"{setting}: {path} is empty")
    return text


def _check_json(path: str, text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"json_template: {path} is not JSON: {error}") from None


def _location(settings: ResponseSettings) -> str:
    """Where clients are sent; empty, and said in the log, where that cannot be."""
    wanted = settings.redirect_location
    if not wanted:
        return ""
    if settings.redirect_status not in REDIRECTS:
        return _refused(f"response.redirect_status: {settings.redirect_status} is none of 301, 302, 303 and 307")
    if not _is_target(wanted):
        return _refused(f"response.redirect_location: {wanted!r} is neither an http(s) URL nor an absolute path")
    return wanted


def _is_target(location: str) -> bool:
    """An absolute http(s) URL or path, in printable ASCII; `//host` and `/\\host` are other hosts to a browser."""
    if not _PRINTED.fullmatch(location) or "\\" in location:
        return False
    if location.startswith("/"):
        return not location.startswith("//")
    try:
        parts = urlsplit(location.replace(PLACEHOLDER, "id"))
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _refused(reason: str) -> str:
    log.warning("blocked requests are answered with the page, not with a redirect", reason=reason)
    return ""
