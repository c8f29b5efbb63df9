"""Every line of the agent that serves a request fails once, and every function for good: each answer must be what it is
without the agent, what was done was done once, and the failure is counted and named.

`python -m tests.removal.programs.faults` prints what it found as JSON. In the grammar of 2.7.
"""

from __future__ import absolute_import, print_function

import json
import os

import pyagent
from pyagent.core import agent as agents
from pyagent.core import context, facts, guard
from tests.pyagent.support import Listener, wait_for
from tests.removal.programs import acts, handlers, shops
from tests.removal.programs.injector import KINDS, Broken, InjectedError, Injector, text_of

# The app's own call, and what leads to it.
APPS = [
    r'.*\boriginal\(.*|.*\bapplication\(.*|getattr\(cursor, name\)\(\*args\)|close\(\)',
    r'(return |if |result = )?(await )?(_cowitness_self\._)?(app|function|call|handler|run|__wrapped__)\(.*',
    r'.*self\._(stream|body|next)\b.*|.*\bself\._cowitness_inner\b.*',
    r'.*\b_?(raw_)?(send|receive)\(.*|.*\b(_call|_serve|_?refuse|_begins(_again)?|begin_refusal)\(.*',
    r'(return |write = )?(self\._)?start_response\(.*|result = self\._write\(.*',
    r'(operation = begun|(asking\.)?ask|lifecycle\.begin)\(.*',
    r'(return |cursor = )(sqlite3\.Connection|self)\.cursor\(.*',
    r'return user_id, named\(\)|exchange\.wfile\.(write|flush)\(.*',
    r'return (getattr\((kind|super\(owner, self\)), name\)|raw\.__get__)\(.*',
]

# Besides calls of guarded functions: looks at variables, what is made of our own, what has its own guard beneath it.
TRIVIAL = [
    r'return [\w.]+|return self if .*|return (bool\(asking\.would_block|_Parts|CursorProxy|types\.MethodType)\(.*',
    r'return _agent\[0\]|return getattr\(_locals\[0\], .*|answer\.written|raw = \[.*',
    r'(if|elif|while) (not )?[\w.]+:|(if|elif) [\w.() ]+ is (not )?[\w.() ]+:',
    r'if (kwargs or |context\.current\(\) is not None and )len\(args\) [!=><]+ \d:',
    r'if (name in _READS|size > self\.size|not (_cowitness_self\._)?on\[0\]|isinstance\(error, Blocked\)):',
    r"if type\(error\)\.__name__ != 'CancelledError':|handler = driver\.call_handler if .*",
    r'if (request is not None and |agent is None or )?agent\.(mode [!=]= .*|asks):',
    r'[\w., ]+ = ((True|False|None|0|500|\(\))(, )?)+|(self|request|answer|exchange)\._?\w+ = [\w.( ]+',
    r'self\._(body, self\._size|next) = .*|self\.(size|_size|status, self\.headers) \+?= .*',
    r'(error|found|function|app|app, environ, start_response) = .*|(answer|request) = (self|exchange)\.\w+',
    r'(request, )?agent = (context\.current\(\), )?agents\.get\(\)',
    r'(context\.(enter|enclose)|Proxy\.__init__|object\.__setattr__|self\.count|.*\b_cowitness_saw)\(.*',
    r'(args, kwargs = lend|user_id, session_key = _session|ended|status, headers, body = blocked\.response)\(.*',
    r'receiver\(\*args, \*\*kwargs\)|note\(args, kwargs(, result)?\)',
]
# Without its end a request does not end; the others are outside of the guard, and have nothing that could fail.
NEVER_BROKEN = (
    'end', 'fail', 'current', 'innermost', 'get', 'swallow', 'safe', 'ended', 'begun', 'begin', 'block',
    '_cowitness_saw', '_finish', 'reach', 'count', 'should_block_user',
)  # fmt: skip
# What breaks there shows only where a frame happens to come within the trial.
UNCOUNTED = [os.path.join('core', name) for name in ('native.py', 'guard.py', 'link.py', 'wire.py')]
MODES = ('monitor', 'block', 'refuse')
VERDICTS = ({'action': 'allow'}, {'action': 'block', 'status': 403, 'response_id': 'f' * 16, 'findings': []})


class Trial(object):
    """One request, in one mode: what it answers without the agent, and whether it does so with it."""

    def __init__(self, name, work):
        self.name, self._work = name, work
        self.expected = self.run()

    def run(self):
        del acts.DONE[:]
        return repr((self._work(), acts.DONE))

    def problem(self, got, mode):
        """What is wrong with an answer. A request that is to be blocked may be: then what was done before it stands."""
        if got == self.expected or (mode == 'refuse' and ('403 Blocked' in got or 'Request blocked' in got)):
            return None
        return 'answers %.600s, not %.600s' % (got, self.expected)


def set_mode(agent, listener, mode):
    agent.mode = 'monitor' if mode == 'monitor' else 'block'
    agent.asks = agent.asks_users = agent.mode == 'block'
    agent.verdicts._alive()
    listener.verdict = VERDICTS[mode == 'refuse']


def every_line(injector, trials, agent, listener):
    """[(place, trial, mode)]: each line once, with a request that runs it."""
    found = {}
    for mode in MODES:
        set_mode(agent, listener, mode)
        for trial in trials:
            for place in injector.record(trial.run):
                found.setdefault(place, (place, trial, mode))
    return [found[place] for place in sorted(found)]


def one_fault(injector, number, place, trial, mode):
    """Problems of one line's failure."""
    kind = KINDS[number % len(KINDS)]
    before = guard.counters.get('guard_errors', 0)
    got = injector.fail(place, kind('injected'), trial.run)
    if injector.raised:
        silent = kind is not InjectedError or place[0].endswith(tuple(UNCOUNTED))
        for problem in consequences(trial, got, mode, None if silent else before):
            yield problem


def broken_function(functions, place, trial, mode):
    """Problems of a function that raises whenever it is called."""
    before = guard.counters.get('guard_errors', 0)
    with Broken(functions) as broken:
        got = trial.run()
        silent = not broken.called or place[0].endswith(tuple(UNCOUNTED))
    for problem in consequences(trial, got, mode, None if silent else before):
        yield '%s() raises: %s' % (functions[0].__name__, problem)


def consequences(trial, got, mode, counted):
    problem = trial.problem(got, mode)
    if problem:
        yield problem
    if counted is not None and not wait_for(lambda: guard.counters.get('guard_errors', 0) > counted, 2.0):
        yield 'is not counted'
    if context.current() is not None or context.innermost() is not None:
        yield 'leaves the request behind'
        context.enter(None)
        context.enclose(None)


def try_all(injector, lines, agent, listener):
    """Every line once, every function for good; returns what went wrong."""
    functions = injector.functions([place for place, _, _ in lines])
    for number, (place, trial, mode) in enumerate(lines):
        set_mode(agent, listener, mode)
        found = list(one_fault(injector, number, place, trial, mode))
        if place in functions and functions[place][0].__name__ not in NEVER_BROKEN:
            found += broken_function(functions[place], place, trial, mode)
        for problem in found:
            where = '%s:%d `%s`' % (place[0].split('pyagent' + os.sep)[-1], place[1], text_of(place))
            yield '%s, %s, %s: %s' % (where, mode, trial.name, problem)


def main():
    listener = Listener(os.environ['COWITNESS_RUN_DIR'])
    trials = [Trial(name, work) for name, work in shops.requests() + handlers.requests()]
    if _has('starlette'):
        from tests.removal.programs import shops_py3

        trials += [Trial(name, work) for name, work in shops_py3.requests(lambda: shops_py3.WRAPPED)]
    pyagent.enable()
    shops.WRAPPED = pyagent.wrap_wsgi(shops.plain)
    if _has('starlette'):
        shops_py3.WRAPPED = pyagent.wrap_asgi(shops_py3.plain)
    agent, injector, problems = agents.get(), Injector(APPS, TRIVIAL), []
    for mode in MODES:
        set_mode(agent, listener, mode)
        for trial in trials:
            for problem in consequences(trial, trial.run(), mode, None):
                problems.append('no fault, %s, %s: %s' % (mode, trial.name, problem))
    problems += guard.errors()
    lines = every_line(injector, trials, agent, listener)
    problems += try_all(injector, lines, agent, listener)
    found = {'lines': len(lines), 'functions': len(injector.functions([place for place, _, _ in lines]))}
    print(json.dumps(dict(found, trials=len(trials), problems=problems)))


def _has(name):
    try:
        __import__(name)
        return facts.HAS_ASYNC
    except ImportError:
        return False


if __name__ == '__main__':
    main()
