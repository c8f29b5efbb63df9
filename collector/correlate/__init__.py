"""Joining what the app said with what the kernel saw. Pure: no I/O, the clock is handed in."""

from collector.correlate.cases import Limits
from collector.correlate.correlator import Correlator

__all__ = ["Correlator", "Limits"]
