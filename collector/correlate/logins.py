"""Logins that may still learn their kernel peer, or be told again."""

from __future__ import annotations

from collections import OrderedDict

from msgspec.structs import replace

from collector.correlate.peers import Peers
from collector.model import LoginEvent


class Logins:
    """By id, the longest untold first, at most `size`."""

    def __init__(self, peers: Peers, size: int) -> None:
        self._peers, self._size = peers, size
        self._known: OrderedDict[str, tuple[LoginEvent, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def take(self, login: LoginEvent, now: int) -> LoginEvent:
        """The same with the kernel's peer, and with what an earlier word on it knew better."""
        known, _ = self._known.get(login.id, (login, 0))
        if known.client_address and not login.client_address:
            login = known
        login = self._with_peer(login)
        self._known[login.id] = (login, now)
        self._known.move_to_end(login.id)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return login

    def accepted(self, login_id: str) -> LoginEvent | None:
        """The login, its connection having been accepted now; None where it is forgotten."""
        if login_id not in self._known:
            return None
        login, touched = self._known[login_id]
        login = self._with_peer(login)
        self._known[login_id] = (login, touched)
        return login

    def expire(self, before: int) -> None:
        """Forget those that nobody has told of since `before` (ns)."""
        while self._known and next(iter(self._known.values()))[1] < before:
            self._known.popitem(last=False)

    def _with_peer(self, login: LoginEvent) -> LoginEvent:
        found = self._peers.find_or_await(login.process.pid, login.peer, login.time, ("login", login.id))
        return replace(login, kernel_peer=found) if found is not None else login
