"""The whole thing on one machine: `python -m examples.demo`, or `make run`.

Starts a node and two bookshops under the agent on loopback, lets visitors and an attacker in, and shows what was seen.
Stays up until Ctrl-C or SIGTERM; `--once` ends after the show, with 0 where the attack was confirmed (or, on a machine
without probes, reached).
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.children import Child, DemoError, wait_until
from examples.stage import BIN, ROOT, SHOPS, Node, Shop, places

START_SECONDS, PROBE_SECONDS, SHOW_SECONDS = 60, 20, 20
CONFIRMED, REACHED = "VERDICT_CONFIRMED", "VERDICT_REACHED"


def say(text: str = "") -> None:
    print(text, flush=True)


def headline(text: str) -> None:
    say(f"\n=== {text}")


@contextlib.contextmanager
def running(options: argparse.Namespace) -> Iterator[tuple[Node, list[Shop]]]:
    """The node and the shops, all answering; ended in reverse order, whatever happens."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cw-demo-")))
        node = Node(*places(options.run_dir, options.state_dir, scratch), scratch)
        stack.callback(node.child.stop)
        stack.callback(deaf_to_signals)
        _wait(node.answers, node.child)
        wait_until(node.probes_spoke, PROBE_SECONDS)
        shops = []
        for name in SHOPS:
            shops.append(Shop(name, node, scratch))
            stack.callback(shops[-1].child.stop)
        stack.callback(deaf_to_signals)
        for shop in shops:
            _wait(shop.answers, shop.child)
        if not wait_until(lambda: node.services() >= {f"shop-{name}" for name in SHOPS}, START_SECONDS):
            connected = ", ".join(node.services()) or "none"
            raise DemoError(f"not all agents connected, only: {connected}\n{node.child.last_words()}")
        yield node, shops


def _wait(answers: Any, child: Child) -> None:
    if not wait_until(answers, START_SECONDS):
        raise DemoError(f"{child.name} did not answer in {START_SECONDS} s:\n{child.last_words()}")


def play(shops: list[Shop], visits: int) -> None:
    """Visitors first, then the attacker."""
    for shop in shops:
        headline(f"visitors, then an attacker, in the {shop.name} shop on {shop.base}")
        for words in (["examples.visitors", shop.base, "--count", str(visits)], ["examples.attacker", shop.base]):
            done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, timeout=300)
            if done.returncode:
                say(f"({words[0]} ended with {done.returncode})")


def seen(node: Node, probes: bool) -> list[dict[str, Any]]:
    """The traces that the machine can bring out at best; waits for the command injections of both shops."""
    verdict = "confirmed" if probes else "reached"
    found: list[dict[str, Any]] = []

    def complete() -> bool:
        found[:] = node.traces(verdict)
        return sum("command_injection" in trace["categories"] for trace in found) >= 2 * len(SHOPS)

    wait_until(complete, SHOW_SECONDS)
    return found


def show(node: Node) -> bool:
    """What was seen; True where the attack was confirmed (reached, where nothing can confirm)."""
    probes, reason = node.probes()
    found = seen(node, probes)
    node.show("traces", "--since", node.since)
    if found:
        node.show("trace", max(found, key=lambda trace: len(trace["kernelEvents"]))["id"])
    node.show("logins", "--limit", "5")
    headline("what this machine can witness")
    if probes:
        say(f"The probes run: {len(found)} attacks are confirmed by what the kernel saw.")
    else:
        say(f"No probes here: {reason or 'no reason given'}.")
        say("So the app's word stands alone: `reached` is the most that a trace can get, kernel events are missing,")
        say("and logins have no address seen by the kernel. `cowitness doctor` says what to do about it.")
    return any(trace["verdict"] == (CONFIRMED if probes else REACHED) for trace in found)


def ask_the_node(node: Node) -> None:
    """What there is to look at where the show brought out less than it should."""
    headline("this is less than there should be; what the node says of itself")
    for command in ("agents", "hosts", "doctor"):
        node.show(command)
    say(node.child.last_words())


def explain(node: Node, shops: list[Shop]) -> None:
    """How to look further."""
    headline("now it is your turn")
    for shop in shops:
        say(f"{shop.name + ' shop':<14}{shop.base}")
    say(f"{'attack one':<14}curl '{shops[0].base}/maintenance/ping?host=x;cat%20/etc/hostname'")
    say(f"{'metrics':<14}http://127.0.0.1:{node.metrics}/metrics")
    prefix = "" if str(node.run_dir) == "/run/cowitness" else f"COWITNESS_RUN_DIR={node.run_dir} "
    for words in ("watch", "traces --verdict confirmed", "agents", "doctor"):
        say(f"{'':<14}{prefix}{BIN / 'cowitness'} {words}")
    say("\nCtrl-C ends it all.")


def stay(node: Node, shops: list[Shop]) -> None:
    """Until a signal comes or a child ends."""
    while True:
        for child in (node.child, *(shop.child for shop in shops)):
            child.must_live()
        time.sleep(1)


def deaf_to_signals() -> None:
    """From here on children are being ended: another Ctrl-C must not leave some behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="A node, two shops, and an attack.")
    parser.add_argument("--run-dir", type=Path, help="where the daemon's sockets go")
    parser.add_argument("--state-dir", type=Path, help="where the store goes")
    parser.add_argument("--visits", type=int, default=150, help="requests of ordinary visitors in each shop (150)")
    parser.add_argument("--once", action="store_true", help="end after the show")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with running(options) as (node, shops):
            play(shops, options.visits)
            good = show(node)
            if not good:
                ask_the_node(node)
            if options.once:
                return 0 if good else 1
            explain(node, shops)
            stay(node, shops)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nended")
    return 0 if not options.once else 130


if __name__ == "__main__":
    sys.exit(main())
