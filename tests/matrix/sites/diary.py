"""What happened in a site, line by line in a file beside it. In the grammar of 2.7."""

import threading

_lock = threading.Lock()


def did(*words):
    """Write it down."""
    with _lock, open('diary', 'a') as diary:
        diary.write(' '.join(map(str, words)) + '\n')
