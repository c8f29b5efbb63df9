"""How many exploits pass in block mode on a busy machine, because their verdict came too late.

    .venv/bin/python bench/late_verdicts.py [--burners 6] [--attempts 60] [--threads 4]

A real node with its probes, an app in block mode under gunicorn, and processes that do nothing but burn processors.
Half of the attempts inject a command, half a statement; one passed where the command was executed, or the statement
was. Between them come innocent requests, whose waiting is shown too: the longest, and how many took over 100 ms.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import textwrap
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.e2e.harness import App, Node, free_port, python, running_app, running_node, short_directory, wait_for

SITE = textwrap.dedent("""
    import os, sqlite3
    from flask import Flask, request

    app = Flask(__name__)
    base = sqlite3.connect(":memory:", check_same_thread=False)
    base.execute("CREATE TABLE done (name)")

    @app.get("/")
    def index():
        return "fine"

    @app.get("/run")
    def run():
        return str(os.system("echo " + request.args["of"]))

    @app.get("/find")
    def find():
        return str(base.execute("SELECT '" + request.args["of"] + "'").fetchall())
""")


def burn() -> None:
    while True:
        pass


def attempt(app: App, directory: Path, number: int) -> tuple[bool, bool]:
    """Whether the attack was done, and whether its answer got out."""
    if number % 2:
        done = directory / f"done-{number}"
        status, _ = app.get("/run?" + urllib.parse.urlencode({"of": f"x;touch {done}"}))
        return done.exists(), status == 200
    status, body = app.get("/find?" + urllib.parse.urlencode({"of": f"x' UNION SELECT 'got{number}' -- "}))
    return b"got%d" % number in body, status == 200


def innocent(app: App) -> float:
    before = time.perf_counter()
    assert app.get("/run?of=hello")[0] == 200
    return (time.perf_counter() - before) * 1e3


def rounds(app: App, directory: Path, options: argparse.Namespace) -> None:
    with ThreadPoolExecutor(options.threads) as pool:
        tries = [pool.submit(attempt, app, directory, number) for number in range(options.attempts)]
        waits = [pool.submit(innocent, app) for _ in range(options.attempts)]
        done, out = zip(*(one.result() for one in tries), strict=True)
        spent = [one.result() for one in waits]
    slow = sum(one > 100 for one in spent)
    print(f"{sum(done)} of {options.attempts} attacks were done, the answers of {sum(out)} got out")
    print(f"innocent requests: p50 {statistics.median(spent):.0f} ms, max {max(spent):.0f}, {slow} over 100 ms")


def totals(node: Node) -> None:
    counters = [one.get("counters", {}) for one in node.json("agents")]
    names = sorted({name for one in counters for name in one if "verdict" in name})
    print(json.dumps({name: sum(int(one.get(name, 0)) for one in counters) for name in names}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burners", type=int, default=6)
    parser.add_argument("--attempts", type=int, default=60)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    with running_node() as node, short_directory() as directory:
        node.witnesses()
        (directory / "busy.py").write_text(SITE)
        port = free_port()
        words = python(
            "-m", "gunicorn.app.wsgiapp", "-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}", "busy:app"
        )
        with running_app(node, words, port, directory, COWITNESS_MODE="block", COWITNESS_SERVICE="busy") as app:
            wait_for(lambda: app.get("/run?of=x%3Btrue")[0] == 403, 30, "a verdict in time")
            burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(options.burners)]
            for one in burners:
                one.start()
            rounds(app, directory, options)
            for one in burners:
                one.terminate()
            time.sleep(11)  # agents tell their counters every 10 s
            totals(node)


if __name__ == "__main__":
    main()
