"""What is known so far of requests under way: records of one request, sent one by one, become one record again.

Bounded by count and weight; the oldest request of the heaviest process goes first, so one process cannot make the
inspector forget another's requests. A request that was forgotten loses nothing that its `end` record repeats.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from collector.inspector.limits import Limits
from collector.model import Request
from collector.wire.agent import LateOperationRecord, LoginRecord, OperationRecord, RequestRecord

MAX_OPERATIONS = 1024
MAX_LOGINS = 16
WANTED = 1024
"""Requests that the core asked for and that have not ended."""

FINISHED = 1024
"""Bytes that the rest of a finished request holds, about."""


class View(Struct):
    """One request under way. `reported`: the core has heard of it; `early`: how often it was judged before its end;
    `ended` makes the request as it may be kept, and is there once it has been judged: few are ever asked for."""

    record: RequestRecord | None = None
    ended: Callable[[], Request] | None = None
    reported: bool = False
    early: int = 0
    logins: tuple[LoginRecord, ...] = ()
    weight: int = 512


class Views:
    """Views by process and request id."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._groups: defaultdict[int, OrderedDict[str, View]] = defaultdict(OrderedDict)
        self._weights: defaultdict[int, int] = defaultdict(int)
        self._count = 0
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self.weight = 0
        self.forgotten = 0

    def __len__(self) -> int:
        return self._count

    def get(self, pid: int, request_id: str) -> View | None:
        return self._groups[pid].get(request_id) if pid in self._groups else None

    def want(self, request_ids: Iterable[str]) -> list[Request]:
        """The core asks for these requests: those that have ended, at once; the others are remembered."""
        ended = []
        for request_id in request_ids:
            found = [group[request_id] for group in self._groups.values() if request_id in group]
            if found and found[0].ended is not None:
                ended.append(found[0].ended())
            else:
                self._wanted[request_id] = None
        while len(self._wanted) > WANTED:
            self._wanted.popitem(last=False)
        return ended

    def wanted(self, request_id: str) -> bool:
        """Whether the core asked for this request; it has to ask only once."""
        return bool(self._wanted) and self._wanted.pop(request_id, 0) is None

    def open(self, pid: int, request_id: str) -> View:
        """The view of this request, made where there is none."""
        view = self.get(pid, request_id)
        if view is None:
            view = self._groups[pid][request_id] = View()
            self._count += 1
            self._weigh(pid, view.weight)
        return view

    def merge(self, pid: int, record: RequestRecord) -> View:
        """Put a start or end record with what was known: `end` replaces `start`, operations merge by index."""
        view = self.open(pid, record.request_id)
        known = view.record
        if known is not None and known.operations:
            record = replace(record, operations=_merged(known.operations, record.operations))
        self._set(pid, view, record)
        return view

    def add_operation(self, pid: int, late: LateOperationRecord) -> View | None:
        """Put a late operation with its request; None where the request is unknown."""
        view = self.get(pid, late.request_id)
        if view is None or view.record is None:
            return None
        operations = _merged(view.record.operations, [late.operation])
        self._set(pid, view, replace(view.record, operations=operations))
        return view

    def add_login(self, pid: int, login: LoginRecord) -> View:
        """Remember a login whose request has not been heard of yet."""
        view = self.open(pid, login.request_id)
        view.logins = (*view.logins, login)[-MAX_LOGINS:]
        self._trim()
        return view

    def finish(self, pid: int, view: View, request_id: str, ended: Callable[[], Request]) -> None:
        """The request ended and was judged: keep only what a login needs, or who asks for it later."""
        view.ended, view.logins = ended, ()
        view.record = None
        if self.get(pid, request_id) is view:  # it may have been forgotten meanwhile
            self._reweigh(pid, view, FINISHED)

    def _set(self, pid: int, view: View, record: RequestRecord) -> None:
        view.record = record
        self._groups[pid].move_to_end(record.request_id)
        self._reweigh(pid, view, _weight(record))
        self._trim()

    def _reweigh(self, pid: int, view: View, weight: int) -> None:
        self._weigh(pid, weight - view.weight)
        view.weight = weight

    def _weigh(self, pid: int, change: int) -> None:
        self._weights[pid] += change
        self.weight += change

    def _trim(self) -> None:
        while self._count > self._limits.views or self.weight > self._limits.views_bytes:
            pid = max(self._weights, key=self._weights.__getitem__)
            _, view = self._groups[pid].popitem(last=False)
            self._count -= 1
            self._weigh(pid, -view.weight)
            self.forgotten += view.record is not None
            if not self._groups[pid]:
                del self._groups[pid], self._weights[pid]


def _merged(known: list[OperationRecord], new: list[OperationRecord]) -> list[OperationRecord]:
    by_index = {operation.index: operation for operation in [*known, *new]}
    return [by_index[index] for index in sorted(by_index)][:MAX_OPERATIONS]


def _weight(record: RequestRecord) -> int:
    """About how many bytes a record holds."""
    texts = len(record.body) + len(record.path) + len(record.query) + len(record.target)
    for pairs in (record.headers, record.response_headers, record.path_params.items()):
        texts += sum([len(name) + len(value) for name, value in pairs])
    return 2048 + texts + sum(map(_operation_weight, record.operations))


def _operation_weight(operation: OperationRecord) -> int:
    lists = (*operation.argv, *operation.stack, *operation.resolved)
    return 512 + len(operation.text) + sum(map(len, lists))
