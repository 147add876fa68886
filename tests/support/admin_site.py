"""Settings and URLs of a site with Django's admin, as an LMS has it, where whoever comes is the superuser.

``/measure`` loads a page of the admin as a visitor's browser does and replaces itself by what is to be seen there.
"""

from __future__ import annotations

from log_replay.standalone.settings import *  # noqa: F403 - a settings module

DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.support.admin_urls"
STATIC_URL = "/static/"
INSTALLED_APPS = [
    *INSTALLED_APPS,  # noqa: F405 - as above
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.support.admin_urls.everybody_is_the_superuser",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
SILENCED_SYSTEM_CHECKS = ["admin.E408"]  # the middleware above stands in front of it
