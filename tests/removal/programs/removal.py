"""One environment under one interpreter: all that can be tried there about removal; prints what it found as JSON.

`python -m tests.removal.programs.removal`, in the grammar of 2.7. Imports under an agent that is on are tried in forks,
which start with nothing imported.
"""

from __future__ import absolute_import, print_function

import json
import os
import sys
import traceback

import pyagent
from pyagent.core import guard
from pyagent.instrument import everything, patch
from tests.removal.programs import picture

BEFORE_IMPORT = ('EID', 'EDEID', 'EEIDED')


def import_all():
    """Import what there is of the libraries that have rows; returns the names of what there is not, and why."""
    absent = {}
    for row in everything.ROWS:
        try:
            __import__(row.module)
        except Exception as error:
            absent[row.module] = '%s: %s' % (type(error).__name__, error)
    return absent


def in_fork(work, *args):
    """What `work` returns in a fork of this process."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            found = work(*args)
        except BaseException:
            found = {'problems': [traceback.format_exc()]}
        with os.fdopen(writing, 'w') as pipe:
            pipe.write(json.dumps(found))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = json.loads(pipe.read() or '{"problems": ["the process died"]}')
    os.waitpid(pid, 0)
    return found


def before_import(word):
    """Import under an agent that is on, off, on again; what is there afterwards is nobody's but the libraries'."""
    pyagent.disable()
    empty, states = picture.of_process(), {}
    for letter in word:
        {'E': pyagent.enable, 'I': import_all, 'D': pyagent.disable}[letter]()
        if letter in 'IE' and pyagent.status()['enabled'] and 'flask.app' in sys.modules:
            states = _states()
    problems = []
    for target, owner, name in picture.places(everything.ROWS):
        raw = picture.stored(owner, name)
        if id(raw) in patch._ours:
            problems.append('%s is still ours' % target)
    problems += ['%s works still' % made.raw for made in patch._made.values() if made.on[0]]
    after = picture.settled(empty['threads'])
    for name in ('finders', 'agents', 'loaders', 'descriptors'):
        if after[name] != empty[name]:
            problems.append('%s: %r, not %r' % (name, after[name], empty[name]))
    return {'problems': ['%s: %s' % (word, problem) for problem in problems], 'loaders': _loaders(), 'states': states}


def _states():
    return dict((hook['target'], (hook['state'], hook['reason'])) for hook in pyagent.status()['hooks'])


def _loaders():
    """How each library's modules say that they were loaded."""
    found = {}
    for name in sorted(set(row.module for row in everything.ROWS)):
        module = sys.modules.get(name)
        spec = getattr(module, '__spec__', None)
        loaders = getattr(module, '__loader__', None), getattr(spec, 'loader', None)
        found[name] = [type(loader).__name__ for loader in loaders] + [getattr(module, '__file__', '')]
    return found


def after_import():
    """All that is done with libraries that were there before the agent."""
    absent = import_all()
    from tests.removal.programs import frameworks, objects, orders

    frameworks.prepare()
    pyagent.enable()
    states = _states()
    pyagent.disable()
    libraries, process = picture.of_libraries(everything.ROWS), picture.settled(0, 1.0)
    count, places, problems = orders.run(everything.ROWS, pyagent.enable, pyagent.disable)
    problems += objects.run(objects.ALL + frameworks.ALL, pyagent.enable, pyagent.disable)
    problems += picture.differences(libraries, picture.of_libraries(everything.ROWS))
    problems += picture.differences(process, picture.settled(process['threads']))
    return {'orderings': count, 'places': places, 'problems': problems, 'states': states, 'absent': absent}


def main():
    clean = picture.of_process()
    imported = set(sys.modules)
    pyagent.enable()
    loaded = sorted(row.module for row in everything.ROWS if row.module in set(sys.modules) - imported)
    pyagent.disable()
    problems = ['enable imported ' + name for name in loaded]
    problems += picture.differences(clean, picture.settled(clean['threads']))
    words = dict((word, in_fork(before_import, word)) for word in BEFORE_IMPORT)
    found = after_import()
    loaders = _loaders()
    for word in sorted(words):
        problems += words[word]['problems']
        if words[word].get('loaders') != loaders:
            problems += ['%s: %s' % (word, p) for p in picture.differences(loaders, words[word].get('loaders') or {})]
    found['problems'] = problems + found['problems'] + guard.errors()
    print(json.dumps(found))


if __name__ == '__main__':
    main()
