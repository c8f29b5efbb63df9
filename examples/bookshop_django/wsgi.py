"""The WSGI application. On first use it makes the tables and the two customers, one worker at a time."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from examples.catalogue import data
from examples.catalogue.books import USERS


def prepare() -> None:
    """Make what is missing in the users' database."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connections

    ready = data.directory() / "users-ready"
    with data.locked():
        if ready.exists():
            return
        call_command("migrate", verbosity=0)
        for name, password in USERS:
            if not User.objects.filter(username=name).exists():
                User.objects.create_user(name, password=password)
        ready.touch()
    connections.close_all()  # a server that forks after this must not share them


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.bookshop_django.settings")
application = get_wsgi_application()
prepare()
