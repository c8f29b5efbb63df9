"""Cowitness, the in-app side: `cowitness-run CMD...`, or `import pyagent; pyagent.enable()`."""

from __future__ import absolute_import

from .core.link import VERSION as __version__
from .enable import disable, enable, status

__all__ = ['__version__', 'disable', 'enable', 'status']
