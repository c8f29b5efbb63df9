"""What a kernel event says of a service's behaviour, in names that stay the same from request to request.

Each thing has a narrow name and wider ones, which stand for it once the service has shown enough of its kind: numbers
and names of chance become `#`, rotated logs the log, files `*.jpg`, then their directory's `*`, addresses a network.
Protected directories and sensitive files are never widened.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from collector.correlate.ladder import normal
from collector.correlate.peers import plain
from probes.vocabulary import KernelEvent

WRITING = 0o1103
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC."""

DNS_PORTS = (53, 5353, 5355)
EPHEMERAL = 32768
PUBLIC = "public"
FEW, MANY = 1, 8
"""How many narrow names stand beside each other before a wider one takes their place: of the same suffix, of any."""

SENSITIVE = re.compile(
    r"^/etc/(?:passwd|shadow|gshadow|sudoers|krb5\.keytab|ssl/private/|ssh/)"
    r"|^/proc/(?:self|thread-self|[0-9]+)/(?:environ|mem)$|^/proc/kcore$|^/dev/k?mem$"
    r"|^(?:/var)?/run/(?:secrets/|docker\.sock)|^/var/lib/(?:mysql|postgresql)/|^/var/spool/cron"
    r"|/\.(?:ssh|aws|kube|docker|gnupg|azure)/|/\.config/gcloud/|/\.git/config$"
    r"|/\.(?:env|netrc|pgpass|my\.cnf|git-credentials|htpasswd|bash_history|npmrc|pypirc|vault-token)(?:\.|$)"
    r"|/id_(?:rsa|dsa|ecdsa|ed25519)$|\.(?:key|p12|pfx|jks|kdbx|keytab)$"
)
IGNORED = re.compile(
    r"^/dev/(?:null|zero|full|tty|std(?:in|out|err)|pts(?:/|$)|fd/)|^/proc/self/|/__pycache__/|\.pyc(?:$|\.)"
)
"""Writes that mean nothing: a byte code file is written when a module is first loaded, which may be in a request."""

UNIX_IGNORED = re.compile(r"^(?:/var)?/run/(?:nscd/socket$|systemd/)|^/dev/log$")
PROTECTED = ("/etc", "/root", "/boot", "/bin", "/sbin", "/lib", "/lib64", "/usr", "/dev", "/proc", "/sys", "/var/spool")
TEMPORARY = re.compile(r"^(\.?)tmp(?:[a-z0-9_]{8}|\.[A-Za-z0-9]{6,})(?=\.|$)")
Spot = tuple[str, str]
VARIANT = re.compile(r"(?:-journal|-wal|-shm|~|\.(?:lock|tmp|bak|part|swp|swx|new|old|gz|#)|[.-]#)$")
_RUN = re.compile(r"[A-Za-z0-9]*[0-9][A-Za-z0-9]*")
_LONG = re.compile(r"[0-9]{4,}|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?=[a-f]*[0-9])[0-9a-f]{12,}\b")


class Wider(Struct, frozen=True, array_like=True):
    """A name that can stand for many: once more than `limit` different `part`s were seen under it."""

    name: str
    part: str
    limit: int


class Thing(Struct, frozen=True):
    """`kind`: program, destination, name (of DNS) or path. `wider`: the narrowest first."""

    kind: str
    name: str
    wider: tuple[Wider, ...] = ()


def things(event: KernelEvent) -> Iterator[Thing]:
    """What the event shows of its service; nothing where it means nothing."""
    if event.kind == "exec":
        yield program(event.target if event.nameless and event.target else event.path)
    elif event.kind in ("connect", "send"):
        yield from destination(event)
    elif event.kind == "dns":
        yield dns_name(event.path)
    elif event.kind == "open" and not event.flags & WRITING:
        yield from _read(normal(event.path))
    elif event.kind in ("open", "delete", "chmod", "chown", "truncate") and not event.path.startswith("descriptor "):
        yield from _written(normal(event.path))
    elif event.kind == "rename":
        yield from _written(normal(event.path))
        yield from _written(normal(event.target))
    elif event.kind == "link":
        yield from _written(normal(event.target))


@lru_cache(4096)
def harmless(path: str) -> bool:
    """Whether reading this file says nothing of a service."""
    return not SENSITIVE.search(normal(path))


def program(path: str) -> Thing:
    """A program by its path, names of temporary directories and long numbers taken out.

    >>> program("/usr/bin/python3.11").name, program("/tmp/tmpab12_xyz/run").name
    ('/usr/bin/python3.11', '/tmp/tmp#/run')
    """
    parts = (TEMPORARY.sub(r"\1tmp#", part) for part in normal(path).split("/"))
    return Thing("program", _LONG.sub("#", "/".join(parts)))


def destination(event: KernelEvent) -> Iterator[Thing]:
    """Where a connection or a datagram went."""
    if event.family == "unix":
        if event.path and not UNIX_IGNORED.search(event.path):
            yield Thing("destination", "unix:" + "/".join(map(general, event.path.split("/"))))
        return
    address = plain(event.address)
    if not address or not event.port:
        return
    parsed = ipaddress.ip_address(address)
    public = is_public(parsed)
    network = ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False)
    where = f"[{address}]" if parsed.version == 6 else address
    wider = [Wider(f"{network}:{event.port}", address, 0 if public else MANY // 2)]
    if public:
        wider.append(Wider(f"{PUBLIC}:{event.port}", address, MANY))
    if event.port >= EPHEMERAL:
        wider.append(Wider(f"{where}:*", str(event.port), MANY // 2))
    yield Thing("destination", f"{where}:{event.port}", tuple(wider))


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def dns_name(name: str) -> Thing:
    """A name that was asked for; many names of one domain become all names of it."""
    name = name.lower().rstrip(".")
    above = name.partition(".")[2]
    wider = (Wider(f"*.{above}", name, MANY),) if above.count(".") else ()
    return Thing("name", name, wider)


def _read(path: str) -> Iterator[Thing]:
    if SENSITIVE.search(path):
        yield Thing("path", f"read {path}")


def _written(path: str) -> Iterator[Thing]:
    if not path or IGNORED.search(path):
        return
    if SENSITIVE.search(path):
        yield Thing("path", f"write {path}")
        return
    directory, _, name = path.rpartition("/")
    directory, name = "/".join(map(general, directory.split("/"))), unvaried(general(name))
    yield Thing("path", f"write {directory}/{name}" if directory or path.startswith("/") else f"write {name}",
                tuple(_wider(directory, name)))  # fmt: skip


def _wider(directory: str, name: str) -> Iterator[Wider]:
    """All of a suffix, all of a directory, all below one above it; never of a directory that is the system's."""
    if not directory or protected(directory):
        return
    suffix = posixpath.splitext(name)[1]
    if suffix and "#" not in suffix:
        yield Wider(f"write {directory}/*{suffix}", name, FEW)
    yield Wider(f"write {directory}/*", name, MANY)
    above, _, below = directory.rpartition("/")
    while above.count("/") > 1 and not protected(above):
        yield Wider(f"write {above}/**", below, MANY)
        above, _, below = above.rpartition("/")


def protected(directory: str) -> bool:
    """Whether every new file in it is worth a word.

    >>> protected("/etc/cron.d"), protected("/srv/shop/media")
    (True, False)
    """
    return any(directory == root or directory.startswith(root + "/") for root in PROTECTED)


def spot(path: str) -> Spot | None:
    """A file's place and sort: its directory as given, and its suffix, after a # where the rest is a number or made of
    chance. None where its name may say more than that.

    >>> spot("/srv/cat.jpg"), spot("/srv/7f3a9b.jpg"), spot("/tmp/tmpk3j_a9x1"), spot("/srv/.env"), spot("/srv/id_rsa")
    (('/srv', '.jpg'), ('/srv', '#.jpg'), ('/tmp', '#'), None, None)
    """
    directory, _, name = path.rpartition("/")
    if name[:3] == "tmp" and TEMPORARY.fullmatch(name):
        return directory, "#"
    stem, _, suffix = name.rpartition(".")
    if not stem or not suffix or name[0] == ".":
        return None
    varied = stem.isalnum() and not stem.isalpha() and (stem.isdigit() or len(stem) >= 6)
    return directory, f"#.{suffix}" if varied else f".{suffix}"


@lru_cache(4096)
def general(part: str) -> str:
    """A part of a path without what differs each time.

    >>> general("tmpab12_xyz"), general("2026"), general("upload-7f3a9b21.part"), general("v2")
    ('tmp#', '#', 'upload-#.part', 'v#')
    """
    return _RUN.sub(_varied, TEMPORARY.sub(r"\1tmp#", part))


def _varied(match: re.Match[str]) -> str:
    run = match[0]
    return "#" if run.isdigit() or len(run) >= 6 else re.sub("[0-9]+", "#", run)


def unvaried(name: str) -> str:
    """A file's name without what its journals, locks and rotated forms add.

    >>> unvaried("db.sqlite-journal"), unvaried("app.log.#.gz"), unvaried("#")
    ('db.sqlite', 'app.log', '#')
    """
    while (shorter := VARIANT.sub("", name)) != name and shorter:
        name = shorter
    return name
