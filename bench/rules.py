"""What judging costs: microseconds for a clean request and for an attack, and requests a second on one core.

    .venv/bin/python bench/rules.py [--requests 5000]

Four shapes, each judged as an inspector does it (report, and the view of the request where there is none): a GET with
the headers of a browser, a form of eight fields, a JSON document of 1 KB, and attacks of every category with the
operation they reached.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.model import Process
from collector.wire.agent import OperationRecord, PeerRecord, RequestRecord

BROWSER = [
    ("host", "shop.example"), ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept-language", "en-GB,en;q=0.7"), ("accept-encoding", "gzip, deflate, br"),
    ("cookie", "sessionid=" + "a" * 32),
    ("referer", "https://shop.example/search?q=the+sea&page=1"), ("connection", "keep-alive"),
]  # fmt: skip
FORM = "name=Ada+L%C3%B6wen&email=ada%40example.org&city=Port+Said&street=Corniche+7&note=" + "+".join(["word"] * 60)
SELECT = OperationRecord(0, "sql", text="select title from books where title like ? limit 20", parameterised=True)


def get(query: str, *operations: OperationRecord) -> RequestRecord:
    return RequestRecord(
        request_id="1f2e3d4c5b6a7988", phase="end", method="GET", path="/search", target="/search?" + query,
        query=query, headers=BROWSER, peer=PeerRecord("192.0.2.7", 50123), operations=list(operations),
    )  # fmt: skip


def post(content_type: str, body: str) -> RequestRecord:
    return RequestRecord(
        request_id="1f2e3d4c5b6a7988", phase="end", method="POST", path="/orders", target="/orders",
        headers=[*BROWSER, ("content-type", content_type)], body=body, peer=PeerRecord("192.0.2.7", 50123),
        operations=[SELECT],
    )  # fmt: skip


def document() -> str:
    """JSON of about 1 KB: an order of six books and a note."""
    books = [{"id": n, "title": f"The old man and the sea, part {n}", "isbn": f"978-0-{n}8-801-3"} for n in range(6)]
    customer = {"name": "Ada Löwen", "email": "ada@example.org", "city": "Port Said", "street": "Corniche 7"}
    return json.dumps({"customer": customer, "items": books, "note": "word " * 80, "gift": False, "total": 59.94})


def attacks() -> list[RequestRecord]:
    return [
        get("q=%27+union+select+1,2,3--", OperationRecord(0, "sql", text="select 1 where a='' union select 1,2,3--'")),
        get("host=x%3Bcat+/proc/version", OperationRecord(0, "shell", text="ping -c1 x;cat /proc/version")),
        get("name=../../../../proc/version", OperationRecord(0, "file", text="/srv/f/../../../../proc/version")),
        get("url=http://127.0.0.1:8080/", OperationRecord(0, "url", text="http://127.0.0.1:8080/")),
        get("q=%3Cscript%3Ealert(1)%3C/script%3E", SELECT),
    ]


def microseconds(work: Callable[[], object], count: int) -> float:
    """The median of seven rounds, per call."""
    rounds = []
    for _ in range(7):
        before = time.perf_counter()
        for _ in range(count // 7):
            work()
        rounds.append((time.perf_counter() - before) / (count // 7) * 1e6)
    return statistics.median(rounds)


def main() -> None:
    """Print one line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=5000, help="how many of each shape (default 5000)")
    count = max(7, parser.parse_args().requests)
    judge, process = Judge(DetectSettings()), Process(pid=1, service="bench")

    def judged(record: RequestRecord) -> bool:
        report = judge.report(record, process, True)
        if report is None:
            judge.request_view(record, process)
        return report is not None

    clean = get("q=the+old+man+and+the+sea&page=2", SELECT)
    form = post("application/x-www-form-urlencoded", FORM + "&quantity=2&card=none&gift=no")
    shapes = {
        "clean GET": [clean], "clean form": [form], "clean JSON": [post("application/json", document())],
        "attack": attacks(),
    }  # fmt: skip
    for name, records in shapes.items():
        assert all(judged(record) == (name == "attack") for record in records), name
        cost = statistics.mean(microseconds(lambda one=record: judged(one), count) for record in records)  # type: ignore[misc]
        print(f"{name:12} {cost:8.1f} us/request {1e6 / cost:10,.0f} requests/s")


if __name__ == "__main__":
    main()
