"""What both sites tell of themselves: the journals, the agent, and what the process holds. In the grammar of 2.7."""

import gc
import os
import sys
from collections import Counter

JOURNALS = {}


def note_of(case):
    """The function that notes a line in the journal of this case; nothing is kept of who is nobody's case."""
    return JOURNALS.setdefault(case, []).append if case else _forget


def _forget(line):
    pass


def _agent():
    """What the agent says of itself, where there is one."""
    agent = sys.modules.get('pyagent')
    return agent.status() if agent is not None else {}


def _state():
    """Objects by class and their size when the garbage is out, open files, threads, memory; sizes in KiB."""
    gc.collect()
    found = list(_objects())
    kinds = Counter('%s.%s' % (type(o).__module__, type(o).__name__) for o in found)
    with open('/proc/self/statm') as file:
        pages = int(file.read().split()[1])
    return {
        'kinds': kinds,
        'size': sum(map(sys.getsizeof, found)) // 1024,
        'garbage': len(gc.garbage),
        'files': Counter(_kind(name) for name in os.listdir('/proc/self/fd')),
        'threads': len(os.listdir('/proc/self/task')),
        'memory': pages * os.sysconf('SC_PAGE_SIZE') // 1024,
    }


def _objects():
    """Those that the collector knows and what they hold: text, numbers, dicts of these."""
    found = gc.get_objects()
    known = dict((id(o), o) for o in found)
    for o in found:
        known.update((id(held), held) for held in gc.get_referents(o))
    return known.values()


def _kind(descriptor):
    try:
        return os.readlink('/proc/self/fd/' + descriptor).partition(':')[0]
    except OSError:  # the one that listed them
        return 'gone'


PAGES = {'journal': lambda: JOURNALS, 'agent': _agent, 'state': _state}
