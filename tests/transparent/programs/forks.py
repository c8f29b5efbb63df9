"""Forks COUNT children while threads serve; each serves, tells what it holds, and ends. Prints JSON."""

import json
import os
import sys
import threading
import time

from tests.transparent.programs.serving import serve

PATIENCE = 60
"""Seconds after which a child is taken for one that hangs."""

busy = True


def held():
    """(threads, sockets) of this process."""
    links = []
    for name in os.listdir('/proc/self/fd'):
        try:
            links.append(os.readlink('/proc/self/fd/' + name))
        except OSError:  # the one that listed them
            links.append('')
    return len(os.listdir('/proc/self/task')), sum(link.startswith('socket:') for link in links)


def keep_serving(begun):
    while busy:
        serve('/parent')
        begun.set()
        time.sleep(0.0005)


def child(number, pipe):
    """What it holds before its first request and after the last."""
    before = held()
    for index in range(3):
        serve('/child/%d/%d' % (number, index))
    os.write(pipe, json.dumps([before, held()]).encode('ascii'))
    sys.exit(7)


def fork(number):
    """Its pid, what it told, and its wait status; None where it never ended."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        child(number, theirs)
    os.close(theirs)
    end = time.time() + PATIENCE
    done, status = os.waitpid(pid, os.WNOHANG)
    while not done and time.time() < end:
        time.sleep(0.002)
        done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    told = os.read(ours, 4096)
    os.close(ours)
    return [pid, json.loads(told.decode('ascii')) if told else None, status if done else None]


def main(count):
    global busy
    serve('/first')
    begun = [threading.Event() for _ in range(3)]
    servers = [threading.Thread(target=keep_serving, args=(event,)) for event in begun]
    for server in servers:
        server.start()
    for event in begun:
        event.wait()
    fork(-1)
    before = held()
    children = [fork(number) for number in range(count)]
    after = held()
    busy = False
    for server in servers:
        server.join()
    print(json.dumps({'children': children, 'before': before, 'after': after, 'pid': os.getpid()}))


if __name__ == '__main__':
    main(int(sys.argv[1]))
