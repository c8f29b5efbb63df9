"""What the answer to a stopped request can be told to be. Part of the configuration (collector/settings.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

PLACEHOLDER = "[security_response_id]"


class ResponseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer to a request that is stopped."""

    type: Annotated[
        Literal["auto", "html", "json", "none"],
        Meta(
            description="`auto` is HTML for clients whose Accept header prefers it over JSON, JSON for all others; "
            "`none` has no body."
        ),
    ] = "auto"
    status: Annotated[int, Meta(ge=200, le=599, description="Its status.")] = 403
    html_template: Annotated[
        str,
        Meta(
            max_length=4096,
            description=f"A file (UTF-8, at most 64 KiB) in place of the built-in page; `{PLACEHOLDER}` in it stands "
            "for the id that leads to the trace. Read at the start.",
        ),
    ] = ""
    json_template: Annotated[
        str, Meta(max_length=4096, description="The same, for clients that get JSON; it must be JSON itself.")
    ] = ""
    redirect_location: Annotated[
        str,
        Meta(
            max_length=2048,
            description="Send clients there instead: an http or https URL or an absolute path, which may hold "
            f"`{PLACEHOLDER}`. With anything else the page is sent, and the log says so.",
        ),
    ] = ""
    redirect_status: Annotated[
        int, Meta(ge=200, le=599, description="301, 302, 303 or 307; with another one the page is sent.")
    ] = 303
