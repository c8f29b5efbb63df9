"""The app of bench/kernel_events.py: `/flood?rate=&seconds=` opens files and runs a program now and then, `/run?word=`
does what an attacker wants."""

from __future__ import annotations

import os
import subprocess
import time

from flask import Flask, request

app = Flask(__name__)


@app.route("/")
def index() -> str:
    return "ok"


@app.route("/flood")
def flood() -> str:
    """Open files at the rate; how many were opened, and how many programs run (one for every 500)."""
    rate, seconds = float(request.args["rate"]), float(request.args["seconds"])
    begin, done, ran = time.perf_counter(), 0, 0
    while time.perf_counter() < begin + seconds:
        due = int((time.perf_counter() - begin) * rate)
        while done < due:
            os.close(os.open("/proc/uptime", os.O_RDONLY))
            done += 1
        if ran < done // 500:
            subprocess.run(["/bin/true"], check=True)
            ran += 1
        time.sleep(0.001)
    return f"{done} {ran}"


@app.route("/run")
def run() -> bytes:
    return subprocess.run(f"echo {request.args['word']}", shell=True, capture_output=True, check=False).stdout
