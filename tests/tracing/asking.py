"""Attack traces with their linked requests, by the API: a command for each look would take most of a test's time."""

from __future__ import annotations

import json
from typing import Any

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.json_format import MessageToJson

from collector.cli.client import Client
from tests.e2e.harness import Node


def traces(node: Node, **wanted: Any) -> list[dict[str, Any]]:
    """The traces that a filter wants, each as `cowitness trace ID --json` prints it."""
    with Client(node.run_dir) as client:
        found = list(client.traces(pb.AttackTraceFilter(**wanted), 1000))
        return [document(client.trace(one.id)) for one in found]


def document(message: Any) -> dict[str, Any]:
    return dict(json.loads(MessageToJson(message, always_print_fields_with_no_presence=True)))
