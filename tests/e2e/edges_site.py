"""A service that passes on what looks like nothing, and one that runs what it is told; no tracing between them.

`/once?hex=` asks by a connection of its own, `/kept?hex=` by one that all requests of a thread share, `/` by none.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
import urllib.parse
import urllib.request

from flask import Flask, request

app = Flask(__name__)
BEHIND = os.environ.get("BEHIND", "")
kept = threading.local()


def wanted() -> str:
    return "/run?word=" + urllib.parse.quote(bytes.fromhex(request.args["hex"]).decode())


@app.route("/")
def index() -> str:
    return "ok"


@app.route("/once")
def once() -> bytes:
    with urllib.request.urlopen(f"http://{BEHIND}{wanted()}", timeout=20) as answer:
        return bytes(answer.read())


@app.route("/kept")
def keeps() -> bytes:
    if not hasattr(kept, "connection"):
        kept.connection = http.client.HTTPConnection(BEHIND, timeout=20)
    kept.connection.request("GET", wanted())
    return bytes(kept.connection.getresponse().read())


@app.route("/fetch")
def fetch() -> bytes:
    with urllib.request.urlopen(request.args["url"], timeout=20) as answer:
        return bytes(answer.read())


@app.route("/run")
def run() -> bytes:
    return subprocess.run(f"echo {request.args['word']}", shell=True, capture_output=True, check=False).stdout
