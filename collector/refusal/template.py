"""What every answer is made of, with placeholders."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from collector.refusal.settings import PLACEHOLDER

HTML = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>You've been blocked</title>
<h1>You've been blocked</h1>
<p>This request was stopped for security reasons. If you think that it should not have been, tell the site's owner
this id:</p>
<p>Security response id: {PLACEHOLDER}</p></html>
"""
JSON = (
    '{"errors":[{"title":"You\'ve been blocked","detail":"This request was stopped for security reasons. If you think '
    "that it should not have been, tell the site's owner the security_response_id.\"}],"
    f'"security_response_id":"{PLACEHOLDER}"}}\n'
)


TOO_MANY = 429
TOO_MANY_HTML = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Too many requests</title>
<h1>Too many requests</h1>
<p>Please try again later. If you think that this should not have been, tell the site's owner this id:</p>
<p>Security response id: {PLACEHOLDER}</p></html>
"""
TOO_MANY_JSON = (
    '{"errors":[{"title":"Too many requests","detail":"Please try again after the seconds that Retry-After says."'
    f'}}],"security_response_id":"{PLACEHOLDER}"}}\n'
)


class Template(Struct, frozen=True):
    """`html` and `json` are whole pages. `location` is empty where clients are not sent elsewhere."""

    type: str = "auto"
    status: int = 403
    html: str = HTML
    json: str = JSON
    location: str = ""
    redirect_status: int = 303

    def too_many(self) -> Template:
        """For who asks too often: no redirect, and the page says so, unless it is the site's own."""
        html, text = (
            (TOO_MANY_HTML if self.html == HTML else self.html),
            (TOO_MANY_JSON if self.json == JSON else self.json),
        )
        return replace(self, status=TOO_MANY, location="", html=html, json=text)
