"""What a verdict costs: our rules, the full Core Rule Set here, libmodsecurity 3 with the same files, and the engine of
ddtrace with its own rules, in one run.

    .venv/bin/python bench/engine.py [--requests 400] [--crs DIR]

Requests of about 1 KB, no two alike: a search, a form, a JSON document, each with a browser's headers. Processor time
of each, from the request's parts to the verdict. libmodsecurity runs in a small C program that is compiled here (gcc,
libmodsecurity-dev), ddtrace's engine in the environment that bench/matrix measures it in, from values that are parsed
already. Of values that come again it is remembered here what came of them: a line without such is printed, too. Then
the worst cases: a body of 512 KB, 10,000 parameters, JSON 10,000 deep, texts full of beginnings.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.cli.plain_request import record
from collector.detect.inputs import inputs_of
from collector.detect.judge import Judge
from collector.detect.match import cache
from collector.detect.seclang import crs
from collector.detect.seclang.program import Program
from collector.detect.settings import DetectSettings
from collector.wire.agent import RequestRecord
from tests.matrix.environments import AbsentError, environment

HERE = Path(__file__).resolve().parent
WORDS = ["old", "man", "sea", "order", "street", "Cairo", "note", "seven", "blue", "lamp", "city", "river", "paper"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def requests(count: int) -> list[tuple[str, str, list[tuple[str, str]], str]]:
    """Method, target, headers and body."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=60))
        headers = [
            ("host", "shop.example"), ("user-agent", AGENT),
            ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
            ("accept-language", "en-GB,en;q=0.7"), ("accept-encoding", "gzip, deflate, br"),
            ("cookie", f"sessionid={chance.getrandbits(128):032x}; theme=dark"),
            ("referer", f"https://shop.example/list?page={number}"),
        ]  # fmt: skip
        target, body = f"/search?q={'+'.join(chance.choices(WORDS, k=40))}&page={number}&sort=price", ""
        if number % 3 == 1:
            body = f"name=Ada+{number}&city={text[:40].replace(' ', '+')}&note={text.replace(' ', '+')}&quantity=2"
            headers.append(("content-type", "application/x-www-form-urlencoded"))
        elif number % 3 == 2:
            body = json.dumps({"id": number, "text": text, "tags": text.split()[:5], "user": {"name": "Ada"}})
            headers.append(("content-type", "application/json"))
        if body:
            target = f"/orders/{number}"
            headers.append(("content-length", str(len(body))))
        made.append(("POST" if body else "GET", target, headers, body))
    return made


def spent(work: Callable[[RequestRecord], object], records: list[RequestRecord]) -> list[float]:
    """Microseconds of processor time of each."""
    took = []
    for one in records:
        before = time.process_time_ns()
        work(one)
        took.append((time.process_time_ns() - before) / 1e3)
    return took


def peer(made: list[tuple[str, str, list[tuple[str, str]], str]], directory: str) -> list[float] | str:
    """The same of libmodsecurity; a reason where it cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        binary, rules = Path(folder) / "peer", Path(folder) / "rules.conf"
        command = ["gcc", "-O2", "-o", str(binary), str(HERE / "engine_peer.c"), "-lmodsecurity"]
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode:
            return "it could not be compiled (libmodsecurity-dev?)"
        base = Path(directory) / "rules" if directory else crs.DEBIAN_RULES
        setup = Path(directory) / "crs-setup.conf.example" if directory else crs.DEBIAN_SETUP
        actions = "id:11,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
        json_body = f'SecRule REQUEST_HEADERS:Content-Type "^application/json" "{actions}"'
        rules.write_text(
            f"SecRuleEngine On\nSecRequestBodyAccess On\n{json_body}\nInclude {setup}\nInclude {base}/*.conf\n"
        )
        text = "".join(
            "\n".join([method, target, str(len(headers)), *(f"{n}\t{v}" for n, v in headers), str(len(body)), body, ""])
            for method, target, headers, body in made
        )
        ran = subprocess.run([str(binary), str(rules)], input=text, capture_output=True, text=True)
        return [float(line) for line in ran.stdout.split()] if ran.returncode == 0 else ran.stderr.strip()[:200]


def ddtrace(made: list[tuple[str, str, list[tuple[str, str]], str]]) -> tuple[str, list[float] | str]:
    """The same of ddtrace's engine, and what it is called; a reason where it cannot be had."""
    name = "ddtrace's engine, its own rules"
    try:
        found = environment("peers-ddtrace", f"{sys.version_info[0]}.{sys.version_info[1]}")
    except (AbsentError, RuntimeError) as error:
        return name, f"it could not be installed: {str(error)[:200]}"
    text = "".join(json.dumps(addresses(*one)) + "\n" for one in made)
    command = [found.python, str(HERE / "engine_ddwaf.py")]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, env=found.variables())
    if ran.returncode:
        return name, ran.stderr.strip()[-200:]
    version, *took = ran.stdout.split()
    return f"{name} {version}", [float(one) for one in took]


def addresses(method: str, target: str, headers: list[tuple[str, str]], body: str) -> dict[str, object]:
    """A request as libddwaf takes it."""
    kinds = dict(headers)
    cookies = [part.strip().partition("=") for part in kinds.pop("cookie", "").split(";")]
    is_form = kinds.get("content-type", "").endswith("urlencoded")
    found: dict[str, object] = {
        "server.request.method": method, "server.request.uri.raw": target, "server.request.headers.no_cookies": kinds,
        "server.request.query": parse_qs(target.partition("?")[2]),
        "server.request.cookies": {name: [value] for name, _, value in cookies}, "http.client_ip": "192.0.2.1",
    }  # fmt: skip
    return found | ({"server.request.body": parse_qs(body) if is_form else json.loads(body)} if body else {})


def unlike(headers: list[tuple[str, str]], number: int) -> list[tuple[str, str]]:
    """Headers of which no value has come before, but the length and what it is the length of."""
    return [(name, value if name.startswith("content-") else f"{value};n={number}") for name, value in headers]


def show(name: str, took: list[float] | str) -> None:
    if isinstance(took, str):
        print(f"{name:40} {took}")
        return
    ordered = sorted(took)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    print(f"{name:40} p50 {p50:8.1f} us   p99 {p99:8.1f} us   mean {statistics.mean(took):8.1f} us")


def worst() -> dict[str, RequestRecord]:
    form, plain = [("content-type", "application/x-www-form-urlencoded")], [("content-type", "application/json")]
    large = "a=" + "x" * 524_000
    return {
        "a body of 512 KB": record("POST", "/", form, large),
        "10,000 parameters": record("GET", "/?" + "&".join(f"p{n}=v{n}" for n in range(10_000)), [], None),
        "JSON 10,000 deep": record("POST", "/", plain, "[" * 10_000 + "]" * 10_000),
        "100,000 quotes": record("POST", "/", form, "a=" + "'" * 100_000),
        "beginnings of tags": record("POST", "/", form, "a=" + "<a on" * 20_000),
        "beginnings of escapes": record("POST", "/", form, "a=" + "%2525" * 20_000 + "{{" * 10_000),
    }


def main() -> None:
    """Print a line for each engine, then for each worst case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--crs", default="", help="the rules' directory (default: the distribution's)")
    options = parser.parse_args()
    made = requests(options.requests)
    records = [record(method, target, headers, body or None) for method, target, headers, body in made]
    sizes = [len(t) + len(body) + sum(len(n) + len(v) + 4 for n, v in headers) for _, t, headers, body in made]
    print(f"{len(made)} requests of {statistics.mean(sizes):.0f} bytes")
    judge, program = Judge(DetectSettings()), Program(crs.load(options.crs), cache.directory(""))
    own = lambda one: judge.inspect(one, inputs_of(one))  # noqa: E731
    for one in records[:50]:
        own(one), program.run(one)
    show("own rules", spent(own, records))
    show("Core Rule Set at level 1, here", spent(program.run, records))
    new = [record(m, t, unlike(headers, n), body or None) for n, (m, t, headers, body) in enumerate(made)]
    show("the same, no header's value twice", spent(program.run, new))
    show("the same, libmodsecurity 3", peer(made, options.crs))
    show(*ddtrace(made))
    for name, one in worst().items():
        mine, core = spent(own, [one])[0], spent(program.run, [one])[0]
        print(f"{name:40} own rules {mine / 1e3:8.1f} ms   Core Rule Set {core / 1e3:8.1f} ms")
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
