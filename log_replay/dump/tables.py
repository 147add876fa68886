"""The LMS's tables that are dumped, read through unmanaged models, where the plugin is not there to read them.

Inside an LMS they stand beside edx-platform's own models, so only a dump imports them. Columns that no row needs are
left out.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from log_replay.lms.tables import APP_LABEL


class UserProfile(models.Model):
    """What users say of themselves."""

    objects: ClassVar[models.Manager[UserProfile]] = models.Manager()
    user_id: int

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")
    name = models.CharField(max_length=255)
    meta = models.TextField()
    courseware = models.CharField(max_length=255)
    language = models.CharField(max_length=255)
    location = models.CharField(max_length=255)
    year_of_birth = models.IntegerField(null=True)
    gender = models.CharField(max_length=6, null=True)  # noqa: DJ001 - the LMS's own columns allow null, here and below
    level_of_education = models.CharField(max_length=6, null=True)  # noqa: DJ001
    mailing_address = models.TextField(null=True)  # noqa: DJ001
    city = models.TextField(null=True)  # noqa: DJ001
    country = models.CharField(max_length=2, null=True)  # noqa: DJ001
    state = models.CharField(max_length=2, null=True)  # noqa: DJ001
    goals = models.TextField(null=True)  # noqa: DJ001
    bio = models.CharField(max_length=3000, null=True)  # noqa: DJ001
    profile_image_uploaded_at = models.DateTimeField(null=True)
    phone_number = models.CharField(max_length=50, null=True)  # noqa: DJ001

    class Meta:
        app_label = APP_LABEL
        managed = False
        db_table = "auth_userprofile"


class CourseOverviewRow(models.Model):
    """A course, as a dump needs it; ``log_replay.lms.tables.CourseOverview`` has what statements need of it."""

    objects: ClassVar[models.Manager[CourseOverviewRow]] = models.Manager()

    id = models.CharField(max_length=255, primary_key=True)
    org = models.TextField()
    display_name = models.TextField(null=True)  # noqa: DJ001 - the LMS's own columns allow null, here and below
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    enrollment_start = models.DateTimeField(null=True)
    enrollment_end = models.DateTimeField(null=True)
    self_paced = models.BooleanField()
    advertised_start = models.TextField(null=True)  # noqa: DJ001
    announcement = models.DateTimeField(null=True)
    lowest_passing_grade = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    invitation_only = models.BooleanField()
    max_student_enrollments_allowed = models.IntegerField(null=True)
    effort = models.TextField(null=True)  # noqa: DJ001
    enable_proctored_exams = models.BooleanField()
    entrance_exam_enabled = models.BooleanField()
    external_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    language = models.TextField(null=True)  # noqa: DJ001
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        app_label = APP_LABEL
        managed = False
        db_table = "course_overviews_courseoverview"


class CourseEnrollment(models.Model):
    """Who is enrolled where."""

    objects: ClassVar[models.Manager[CourseEnrollment]] = models.Manager()
    user_id: int

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")
    course_id = models.CharField(max_length=255)
    created = models.DateTimeField(null=True)
    is_active = models.BooleanField()
    mode = models.CharField(max_length=100)

    class Meta:
        app_label = APP_LABEL
        managed = False
        db_table = "student_courseenrollment"


class Taxonomy(models.Model):
    """A set of tags."""

    objects: ClassVar[models.Manager[Taxonomy]] = models.Manager()

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=255)
    enabled = models.BooleanField()

    class Meta:
        app_label = APP_LABEL
        managed = False
        db_table = "oel_tagging_taxonomy"


class Tag(models.Model):
    """A tag, and where it stands in its taxonomy."""

    objects: ClassVar[models.Manager[Tag]] = models.Manager()
    taxonomy_id: int | None
    parent_id: int | None

    id = models.BigAutoField(primary_key=True)
    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.DO_NOTHING, null=True, related_name="+")
    parent = models.ForeignKey("self", on_delete=models.DO_NOTHING, null=True, related_name="+")
    value = models.CharField(max_length=500)
    external_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null before openedx-core 1

    class Meta:
        app_label = APP_LABEL
        managed = False
        db_table = "oel_tagging_tag"


class ObjectTag(models.Model):
    """A tag of a course or block; ``stored_value`` is all there is of a free text tag."""

    objects: ClassVar[models.Manager[ObjectTag]] = models.Manager()
    taxonomy_id: int | None
    tag_id: int | None

    id = models.BigAutoField(primary_key=True)
    object_id = models.CharField(max_length=255)
    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.DO_NOTHING, null=True, related_name="+")
    tag = models.ForeignKey(Tag, on_delete=models.DO_NOTHING, null=True, related_name="+")
    stored_export_id = models.CharField(max_length=255, db_column="_export_id")
    stored_value = models.CharField(max_length=500, db_column="_value")

    class Meta:
        app_label = APP_LABEL
        managed = False
        db_table = "oel_tagging_objecttag"
