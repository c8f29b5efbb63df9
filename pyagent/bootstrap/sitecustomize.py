"""Loaded by Python itself at start-up, where `cowitness-run` put this directory first: turns the agent on, then hands
over to the sitecustomize that would have been loaded without it. Whatever goes wrong, the app starts.
"""

from __future__ import absolute_import


def _chain(here):
    """Import the sitecustomize that this one hides; an error in it is the app's to see."""
    import sys

    kept = sys.path[:]
    mine = sys.modules.pop('sitecustomize', None)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or '.') != here]
    try:
        __import__('sitecustomize')
    except ImportError as error:
        if 'sitecustomize' not in str(error):
            raise
        sys.modules['sitecustomize'] = mine
    finally:
        sys.path[:] = kept


def _enable(here):
    """The agent's package lies beside this directory, perhaps outside of the app's own path."""
    import sys

    parent = os.path.dirname(os.path.dirname(here))
    known = parent in sys.path
    if not known:
        sys.path.append(parent)
    try:
        import pyagent

        pyagent.enable()
    finally:
        if not known:
            sys.path.remove(parent)


try:
    import os

    _here = os.path.dirname(os.path.abspath(__file__))
    try:
        _enable(_here)
    except Exception:
        import sys

        sys.stderr.write('cowitness: the agent could not be turned on: %s\n' % (sys.exc_info()[1],))
    _chain(_here)
except Exception:
    import traceback

    traceback.print_exc()
