"""Settings of a small Django project: users and sessions in SQLite, the catalogue in the file both shops share."""

from __future__ import annotations

from pathlib import Path

from examples.catalogue import data

data.fill()
SECRET_KEY = data.secret_key()
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "examples.bookshop_django.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [Path(__file__).resolve().parents[1] / "catalogue" / "templates"],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": data.directory() / "users.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "pragma journal_mode=wal"},
    },
    "catalogue": {"ENGINE": "django.db.backends.sqlite3", "NAME": data.database()},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
