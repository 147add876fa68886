"""The LMS's side of the database, outside the LMS: its tables, read through unmanaged models.

Only imported where edx-platform is not: inside the LMS its own models own these tables.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from user_util import user_util

from log_replay.identities import LmsModels

if TYPE_CHECKING:
    from collections.abc import Collection

    from opaque_keys.edx.keys import CourseKey


class LmsTable(models.Model):
    """A table that is the LMS's: it is read, and where that is asked for, rows are added; it is never altered."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        app_label = "log_replay_lms"
        managed = False


class ExternalIdType(LmsTable):
    """A kind of external id: ``xapi``, ``caliper``, ``lti`` ..."""

    name = models.CharField(max_length=32, unique=True)
    description = models.TextField()
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta(LmsTable.Meta):
        db_table = "external_user_ids_externalidtype"


class ExternalId(LmsTable):
    """The name that a user bears towards the outside."""

    external_user_id = models.UUIDField(default=uuid.uuid4, unique=True)
    external_id_type = models.ForeignKey(ExternalIdType, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta(LmsTable.Meta):
        db_table = "external_user_ids_externalid"
        unique_together = (("user", "external_id_type"),)


class CourseOverview(LmsTable):
    """A course; only what the transformers need of it."""

    id = models.CharField(max_length=255, primary_key=True)
    display_name = models.TextField(null=True)

    class Meta(LmsTable.Meta):
        db_table = "course_overviews_courseoverview"


def lms_models() -> LmsModels:
    """Return the tables' models and what replaces edx-platform's functions."""
    return LmsModels(
        external_id=ExternalId,
        external_id_type=ExternalIdType,
        course_names=_course_names,
        retired_usernames=_retired_usernames,
    )


def _course_names(course_keys: Collection[CourseKey]) -> dict[str, str | None]:
    rows = CourseOverview.objects.filter(id__in=[str(key) for key in course_keys])
    return dict(rows.values_list("id", "display_name"))


def _retired_usernames(username: str) -> list[str]:
    salts, spelling = settings.RETIRED_USER_SALTS, settings.RETIRED_USERNAME_FMT
    return list(user_util.get_all_retired_usernames(username, salts, spelling)) if salts else []
