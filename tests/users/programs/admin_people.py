"""A Django site with its admin, where one user adds another in a browser; prints answers and what the agent said.

COWITNESS_TEST_AGENT turns the agent on. In the grammar of 2.7.
"""

import re

from tests.users.programs import django_setup, visits

PROCESSORS = [
    'django.contrib.auth.context_processors.auth',
    'django.contrib.messages.context_processors.messages',
    'django.template.context_processors.request',
]
LAYERS = ['django.middleware.csrf.CsrfViewMiddleware', 'django.contrib.messages.middleware.MessageMiddleware']
django_setup.configure(
    __name__,
    'auth.User',
    ['django.contrib.messages', 'django.contrib.admin'],
    LAYERS,
    STATIC_URL='/static/',
    TEMPLATES=[
        {
            'BACKEND': 'django.template.backends.django.DjangoTemplates',
            'APP_DIRS': True,
            'OPTIONS': {'context_processors': PROCESSORS},
        }
    ],
)

from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402

try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url
urlpatterns = [url('^admin/', admin.site.urls)]
TOKEN = re.compile('name=.csrfmiddlewaretoken. value=.([^"\']+)')
USERS = '/admin/auth/user/'
FIELD = '--b0\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


class Browser(object):
    """Fills in a form of the admin and sends it as the form says, with the token that came with it."""

    def __init__(self, site):
        self.site = site

    def fill(self, name, path, **fields):
        page = self.site.ask(name + ', form', path)
        fields['csrfmiddlewaretoken'] = str(TOKEN.search(page).group(1))
        body = ''.join(FIELD % field for field in sorted(fields.items())) + '--b0--\r\n'
        self.site.ask(name, path, body, Content_Type='multipart/form-data; boundary=b0')


def passwords(first, second):
    return {'password1': first, 'password2': second, 'usable_password': 'true'}


def main():
    site = django_setup.serve()
    browser = Browser(site)
    ada = User.objects.create_superuser('ada', 'ada@example.org', visits.PASSWORD)
    browser.fill('login', '/admin/login/', **visits.credentials('ada', visits.PASSWORD))
    session = site.cookies['sessionid']
    browser.fill('refused', USERS + 'add/', username='eve', **passwords(visits.PASSWORD, visits.WRONG))
    site.ask('forged', USERS + 'add/', dict(passwords(visits.PASSWORD, visits.PASSWORD), username='mallory'))
    browser.fill('added', USERS + 'add/', username='eve', **passwords(visits.PASSWORD, visits.PASSWORD))
    eve = User.objects.get(username='eve')
    when = {'date_joined_0': '2020-01-01', 'date_joined_1': '00:00:00'}
    path = '%s%d/' % (USERS, eve.pk) + ('change/' if django_setup.django.VERSION >= (1, 9) else '')
    browser.fill('changed', path, username='eva', **when)
    site.ask('logout', '/admin/logout/', {'csrfmiddlewaretoken': TOKEN.search(site.ask('list', USERS)).group(1)})
    names = sorted(User.objects.values_list('username', flat=True))
    django_setup.tell(site, users=[str(ada.pk), str(eve.pk)], names=names, session=session)


if __name__ == '__main__':
    main()
