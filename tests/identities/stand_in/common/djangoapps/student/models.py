"""The functions that event-routing-backends and Log Replay import from edx-platform's module of this name."""

from django.conf import settings
from django.contrib.auth import get_user_model
from user_util import user_util


def get_all_retired_usernames_by_username(username):
    return user_util.get_all_retired_usernames(username, settings.RETIRED_USER_SALTS, settings.RETIRED_USERNAME_FMT)


def get_potentially_retired_user_by_username(username):
    names = [*get_all_retired_usernames_by_username(username), username]
    found = list(get_user_model().objects.filter(username__in=names))
    if not found:
        raise get_user_model().DoesNotExist
    return found[0]
