"""Answers whose request is stopped when a part of them is out, under real servers; no node is needed."""

from __future__ import annotations

import os
import socket
import textwrap
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, App, free_port, python

SITE = textwrap.dedent("""
    import os
    from pyagent import sdk

    def application(environ, start_response):
        if environ['PATH_INFO'] == '/':
            start_response('200 OK', [])
            return [str(os.getpid()).encode()]
        write = start_response('200 OK', [])
        if environ['PATH_INFO'] == '/write':
            write(b'first')
            sdk.block_request()
        return parts()

    def parts():
        yield b'first'
        sdk.block_request()
""")


@pytest.mark.parametrize("path", ["/parts", "/write"])
@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_cut(worker: str, path: str, tmp_path: Path) -> None:
    """The answer breaks off after its first part, no page follows, and the worker serves on."""
    pytest.importorskip("gunicorn")
    (tmp_path / "cut.py").write_text(SITE)
    port = free_port()
    server = f"-m gunicorn.app.wsgiapp -k {worker} -w 1 -b 127.0.0.1:{port} cut:application"
    words = python("-m", "pyagent.run", *python(*server.split()))
    nowhere = {"COWITNESS_RUN_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    app = App(None, words, port, tmp_path, **nowhere)
    try:
        before = app.wait().get("/")
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            heard = b"".join(iter(lambda: connection.recv(65536), b""))
        assert heard.startswith(b"HTTP/1.1 200 ")
        assert heard.partition(b"\r\n\r\n")[2] == b"5\r\nfirst\r\n"
        assert app.get("/") == before
    finally:
        app.stop()
