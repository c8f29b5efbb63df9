"""Real loads through a whole node: every event is accounted for, whatever is asked of the node meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.kernel_load import Job, Onlooker, accounted, flooded, judged, role
from bench.workloads import Workload
from tests.e2e.harness import App, Node

pytestmark = pytest.mark.xdist_group("host logins")
"""Sessions on the host are told to every node, and would be counted here."""


@pytest.fixture(scope="module")
def site(witnessed_node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with flooded(witnessed_node, tmp_path_factory.mktemp("load"), 23) as app:
        yield app


@pytest.mark.parametrize(
    "job",
    [
        Job(Workload("opens", 10_007, 2, 5000)), Job(Workload("forks", 503, 2, 400)),
        Job(Workload("programs", 307, 2, 200)), Job(Workload("programs", 307, 2, 200), outside=True),
        Job(Workload("connections", 997, 2, 800)), Job(Workload("connections", 997, 2, 800), outside=True),
        Job(Workload("datagrams", 2003, 2, 2000)), Job(Workload("dns", 2003, 2, 2000)), Job(Workload("build", 23, 2)),
    ],
    ids=lambda job: job.load.kind + "-outside" * job.outside,
)  # fmt: skip
def test_every_event(witnessed_node: Node, site: App, job: Job) -> None:
    """What a load made of each kind, attacks among it, the probes saw and the core took, or it is counted as lost; the
    metrics answer all the time, and the attacks are confirmed."""
    with Onlooker(witnessed_node).looking() as onlooker:
        account = accounted(witnessed_node, site, [job])
    assert (account.missing, +account.lost, account.seen) == (0, {}, account.made)
    assert min(onlooker.answers, account.attacks) > 0
    assert judged(witnessed_node, account)["VERDICT_CONFIRMED"] == account.attacks


def test_who_goes_first(witnessed_node: Node) -> None:
    """The kernel prefers the node's processes, and where it shares the processor among sessions, their sessions."""
    for one in map(psutil.Process, witnessed_node.family()):
        nice = -4 if role(one) == "core" else -10
        assert one.nice() == nice
        if (group := Path(f"/proc/{one.pid}/autogroup")).exists():
            assert int(group.read_text().split()[-1]) == nice
