"""The app of bench/kernel_load.py: `/load?kind=&count=&workers=&rate=&outside=` works in the request or outside of it,
`/run?word=` does what an attacker wants. KERNEL_LOAD is the folder that workloads.prepare has made."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from queue import SimpleQueue

from flask import Flask, request

from bench.workloads import Workload

app = Flask(__name__)
jobs: SimpleQueue[tuple[list[str], SimpleQueue[str]]] = SimpleQueue()


def work() -> None:
    while True:
        command, answer = jobs.get()
        answer.put(done(command))


threading.Thread(target=work, daemon=True).start()  # before any request: it belongs to none


@app.route("/")
def index() -> str:
    return "ok"


@app.route("/load")
def load() -> str:
    """What the load's program prints."""
    given = request.args
    work = Workload(given["kind"], int(given["count"]), int(given.get("workers", 1)), float(given.get("rate", 0)))
    command = work.command(Path(os.environ["KERNEL_LOAD"]))
    if not given.get("outside"):
        return done(command)
    answer: SimpleQueue[str] = SimpleQueue()
    jobs.put((command, answer))
    return answer.get()


def done(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@app.route("/run")
def run() -> bytes:
    return subprocess.run(f"echo {request.args['word']}", shell=True, capture_output=True, check=False).stdout
