"""Tasks of real workers: a request each, arguments judged, execs attributed, the way through the queue kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Node
from tests.tasks.workers import RQ, Queue, Shop, celery, working

ATTACK = "x;cat /proc/version"
PREFORK = [
    celery("celery-3.1", "2.7", "-P", "prefork", "-c", "1"), celery("celery-4", "2.7", "-P", "prefork", "-c", "2"),
    celery("celery-4", "3.6", "-P", "solo"), celery("tasks", "3.13", "-P", "prefork", "-c", "2"),
    celery("tasks", "3.13", "-P", "threads", "-c", "2"),
]  # fmt: skip
NAMES = [f"{queue.packages} {queue.version} {queue.worker[7]}" for queue in PREFORK]


@pytest.mark.parametrize("queue", PREFORK, ids=NAMES)
def test_celery(queue: Queue, tasks_node: Node, redis_port: int, tmp_path: Path) -> None:
    """A command in a task's argument is reached and confirmed, and leads back to the request that sent the task; a
    class with a __call__ of its own, the second task of a chain, and what a task raised likewise."""
    with working(queue, tasks_node, redis_port, tmp_path) as shop:
        assert "Linux version" in shop.ask("run", ATTACK)[1], shop.log.read_text()[-3000:]
        attacked(shop, shop.trace("shop.run", confirmed(tasks_node)), "celery", "args[0]")
        assert "Linux version" in shop.ask("within", ATTACK)[1]
        attacked(shop, shop.trace("shop.within", confirmed(tasks_node)), "celery", "args[0]")
        chained(shop)
        assert shop.ask("fail", ATTACK)[0] == 500
        failed = shop.trace("shop.fail", lambda trace: trace["request"]["exceptionType"])
        assert (failed["request"]["exceptionType"], failed["request"]["exceptionMessage"]) == (
            "ValueError", "the view failed",
        )  # fmt: skip
        assert "guard" not in shop.log.read_text()


def chained(shop: Shop) -> None:
    """The attack is in the second task, the first one had it in a list, the request in neither."""
    status, text = shop.ask("chain", ATTACK + " /proc/uptime")
    assert (status, "Linux version" in text) == (200, True), text

    def whole(trace: dict[str, Any]) -> bool:
        return "uptime" in str(trace["findings"]) and len(trace["linked"]) == 2

    trace = shop.trace("shop.run", whole)
    found = {one["request"]["route"]: one["relation"] for one in trace["linked"]}
    assert found == {"shop.pick": "RELATION_PARENT", "": "RELATION_UNSPECIFIED"}


def test_rq(tasks_node: Node, redis_port: int, tmp_path: Path) -> None:
    """The same in a work horse, also where the argument is an attribute of an object."""
    with working(RQ, tasks_node, redis_port, tmp_path) as shop:
        for kind, parameter in (("run", "args[0]"), ("ship", "args[0].name")):
            assert "Linux version" in shop.ask(kind, ATTACK)[1], shop.log.read_text()[-3000:]
            attacked(shop, shop.trace(kind, confirmed(tasks_node)), "rq", parameter)
        assert shop.ask("fail", ATTACK)[0] == 500
        assert shop.trace("fail")["request"]["exceptionType"] == "ValueError"


@pytest.mark.parametrize("queue", [PREFORK[3], RQ], ids=[NAMES[3], "rq"])
def test_block(queue: Queue, tasks_node: Node, redis_port: int, tmp_path: Path) -> None:
    """A refused task fails as tasks do, nothing is executed, and the worker goes on."""
    marker = tmp_path / "executed"
    with working(queue, tasks_node, redis_port, tmp_path, COWITNESS_MODE="block") as shop:
        status, text = shop.ask("run", f"x;touch {marker}")
        assert (status, "blocked by Cowitness" in text) == (500, True), text
        assert shop.ask("run", "plain") == (200, "plain")
        assert not marker.exists()
        assert shop.trace("run")["action"] == "ACTION_BLOCKED"


def confirmed(node: Node) -> Any:
    """What to await of a trace: the kernel's word on all that ran, where there are probes."""
    if not node.witnesses():
        return lambda trace: trace["verdict"] == "VERDICT_REACHED"
    return lambda trace: trace["verdict"] == "VERDICT_CONFIRMED" and len(execs(trace)) >= 2


def execs(trace: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in trace["kernelEvents"] if event["kind"] == "exec"]


def attacked(shop: Shop, trace: dict[str, Any], system: str, parameter: str) -> None:
    """The task in OpenTelemetry's words; where its argument was found; and the innocent request that sent it."""
    request, messaging = trace["request"], trace["request"]["messaging"]
    assert (request["framework"], messaging["system"], messaging["operationName"]) == (system, system, "process")
    assert messaging["destinationName"] == ("mail" if system == "rq" else "celery")
    assert len(messaging["messageId"]) == 36
    assert request["duration"] != "0s"
    places = {(found["location"], found["parameter"]) for found in trace["findings"]}
    assert ("body", parameter) in places
    (sender,) = trace["linked"]
    assert (sender["relation"], sender["verdict"]) == ("RELATION_PARENT", "VERDICT_UNSPECIFIED")
    assert sender["request"]["process"]["serviceName"] == shop.site.service
    assert all(event["attribution"] == "ATTRIBUTION_INHERITED" for event in execs(trace))
