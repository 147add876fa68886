"""Unmanaged models of the LMS's tables, outside the LMS.

Do not import this module inside the LMS: there, edx-platform's own models own these tables.
"""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from user_util import user_util

from log_replay.identities import LmsModels


class LmsTable(models.Model):
    """A table of the LMS. It is read, and rows are added to it on request; its columns are never changed."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        app_label = "log_replay_lms"
        managed = False


class ExternalIdType(LmsTable):
    """A type of external ids: ``xapi``, ``caliper``, ``lti`` ..."""

    name = models.CharField(max_length=32, unique=True)
    description = models.TextField()
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta(LmsTable.Meta):
        db_table = "external_user_ids_externalidtype"


class ExternalId(LmsTable):
    """The id of a user in statements of one type."""

    external_user_id = models.UUIDField(default=uuid.uuid4, unique=True)
    external_id_type = models.ForeignKey(ExternalIdType, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta(LmsTable.Meta):
        db_table = "external_user_ids_externalid"
        unique_together = (("user", "external_id_type"),)


class CourseOverview(LmsTable):
    """A course, with the columns that statements need."""

    id = models.CharField(max_length=255, primary_key=True)
    display_name = models.TextField(null=True)

    class Meta(LmsTable.Meta):
        db_table = "course_overviews_courseoverview"


def lms_models() -> LmsModels:
    """Return models of the LMS's tables, and functions that replace those of edx-platform."""
    return LmsModels(
        external_id=ExternalId,
        external_id_type=ExternalIdType,
        course_overview=CourseOverview,
        retired_usernames=_retired_usernames,
    )


def _retired_usernames(username: str) -> list[str]:
    salts, name_format = settings.RETIRED_USER_SALTS, settings.RETIRED_USERNAME_FMT
    return list(user_util.get_all_retired_usernames(username, salts, name_format)) if salts else []
