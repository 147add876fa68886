"""Settings and URLs of a site with Django's admin, where every visitor is the superuser.

``/measure`` loads a page of the admin in a browser, and then shows a description of the page as JSON.
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
    "tests.support.admin_urls.every_visitor_is_the_superuser",
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
SILENCED_SYSTEM_CHECKS = ["admin.E408"]  # replaced by the middleware above
