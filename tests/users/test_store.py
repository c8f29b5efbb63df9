"""Passwords and what stands for them are judged, and never kept: neither with a login nor with an attack."""

from __future__ import annotations

import base64
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.harness import running_node, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.rows import rows
from tests.matrix.serving import served

ATTACK = "x' OR '1'='1"
WRONG = "hopper-1906-wrong"


def test_nothing_of_them_is_stored(tmp_path: Path) -> None:
    """A login, failed ones that are attacks in the name and in the password, Basic with an attack beside it."""
    row = next(r for r in rows() if (r.framework, r.server, r.version) == ("Django newest", "gunicorn", "3.13"))
    basic = base64.b64encode(b"ada:lovelace").decode()
    try:
        with running_node() as node, served(row, node, tmp_path) as site:
            assert site.form("/login", username=ATTACK, password=WRONG)[0] == 403
            assert site.form("/login", username="ada", password=WRONG + ATTACK)[0] == 403
            assert site.form("/login", username="ada", password="lovelace")[0] == 200
            request = urllib.request.Request(site.base + "/api?arg=x%3Bid", headers={"Authorization": "Basic " + basic})
            assert site.answer(request)[0] == 200
            wait_for(lambda: len(node.traces()) >= 3 and len(node.logins()) >= 3, 10, f"traces: {node.traces()}")
            node.stop()
            kept = b"".join(path.read_bytes() for path in node.state_dir.rglob("*") if path.is_file())
    except AbsentError as error:
        pytest.skip(str(error))
    assert b"/api" in kept
    assert [secret for secret in (WRONG, "lovelace", basic) if secret.encode() in kept] == []
