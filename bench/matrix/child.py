"""One side of a case: a process that holds a site in memory and calls it for a while whenever it is told to.

    python child.py SITE        as it is, or under cowitness-run, opentelemetry-instrument or ddtrace-run

Reads lines "PAGE SECONDS", answers each with a line of JSON: requests served, CPU of the whole process (its sending
threads included) and wall time. No server and no network. In the grammar of 2.7: it runs on every interpreter.
"""

from __future__ import absolute_import, division, print_function

import json
import os
import resource
import sys
import time

import calls

CHUNK = 20
SETTLE = 0.05
"""Seconds after a turn in which what is sent in batches belongs to the bill."""

clock = getattr(time, 'perf_counter', time.time)


def cpu_clock():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def turn(serve, page, seconds):
    """Serve a page for so many seconds."""
    count, cpu, begun = 0, cpu_clock(), clock()
    while clock() - begun < seconds:
        serve(page, CHUNK)
        count += CHUNK
    wall = clock() - begun
    time.sleep(SETTLE)
    return {'requests': count, 'cpu': cpu_clock() - cpu, 'wall': wall}


def server(site):
    """The function that serves `count` requests of a page, and the answer of /seen."""
    if site in ('starlette', 'fastapi', 'django_asgi'):
        import asgi_py3

        return asgi_py3.server(site)
    import wsgi_sites

    application = wsgi_sites.SITES[site]()
    return lambda page, count: calls.serve(application, page, count), calls.call(application, 'seen')[1]


def main(site):
    lines = os.fdopen(os.dup(1), 'w')  # whatever else is printed goes elsewhere
    os.dup2(2, 1)
    serve, seen = server(site)
    for page in calls.PAGES:
        turn(serve, page, 0.1)
    print(json.dumps({'seen': seen.decode('ascii').split()}), file=lines)
    lines.flush()
    for line in iter(sys.stdin.readline, ''):
        page, seconds = line.split()
        print(json.dumps(turn(serve, page, float(seconds))), file=lines)
        lines.flush()
    os._exit(0)  # nobody waits for an exporter that has nowhere to send to


if __name__ == '__main__':
    main(sys.argv[1])
