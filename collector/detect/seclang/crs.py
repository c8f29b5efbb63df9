"""The OWASP Core Rule Set where a distribution, or somebody by hand, put it."""

from __future__ import annotations

from pathlib import Path

from collector.detect.seclang.loader import Loaded, Loader

DEBIAN_RULES = Path("/usr/share/modsecurity-crs/rules")
DEBIAN_SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")


class CrsError(ValueError):
    """Why the rules cannot be loaded."""


def load(directory: str = "", paranoia_level: int = 1, setup_text: str = "") -> Loaded:
    """All rules of a directory: `rules/*.conf` or `*.conf` in it, `crs-setup.conf` beside them first. Without a
    directory those of Debian's package modsecurity-crs, in its setting; raises CrsError. `setup_text`:
    further directives before the rules."""
    rules, setup = _places(directory)
    loader = Loader()
    try:
        if setup is not None:
            loader.load(setup)
        loader.text(_level(paranoia_level), rules, "paranoia level")
        loader.text(setup_text, rules, "setup")
        for path in sorted(rules.glob("*.conf")):
            loader.load(path)
    except OSError as error:
        raise CrsError(f"{error.filename}: {error.strerror}") from None
    return loader.loaded


def installed() -> bool:
    """Whether the distribution's package is there."""
    return next(DEBIAN_RULES.glob("*.conf"), None) is not None


def _places(directory: str) -> tuple[Path, Path | None]:
    if not directory:
        if not installed():
            raise CrsError("the package modsecurity-crs is not installed")
        return DEBIAN_RULES, DEBIAN_SETUP if DEBIAN_SETUP.is_file() else None
    base = Path(directory)
    rules = base / "rules" if (base / "rules").is_dir() else base
    if next(rules.glob("*.conf"), None) is None:
        raise CrsError(f"{directory}: no rule files (*.conf)")
    names = ("crs-setup.conf", "crs-setup.conf.example")
    found = [folder / name for folder in (base, rules.parent) for name in names if (folder / name).is_file()]
    return rules, found[0] if found else None


def _level(level: int) -> str:
    """Both generations of names: 3.x, then 4.x."""
    names = ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")
    setvars = ",".join(f"setvar:tx.{name}={level}" for name in names)
    return f'SecAction "id:1,phase:1,nolog,pass,t:none,{setvars}"'
