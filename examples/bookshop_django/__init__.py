"""The bookshop on Django: `gunicorn examples.bookshop_django.wsgi:application`. Weak on purpose."""
