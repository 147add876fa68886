"""Unmanaged models of the LMS's tables, for dumps without the plugin.

Inside an LMS, edx-platform has its own models of the same tables, so only a dump imports this module. Columns that no
row needs are left out.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from log_replay.identities.lms_tables import LmsTable


class UserProfile(LmsTable):
    """The profile of a user."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")
    name = models.CharField(max_length=255)
    meta = models.TextField()
    courseware = models.CharField(max_length=255)
    language = models.CharField(max_length=255)
    location = models.CharField(max_length=255)
    year_of_birth = models.IntegerField(null=True)
    gender = models.CharField(max_length=6, null=True)
    level_of_education = models.CharField(max_length=6, null=True)
    mailing_address = models.TextField(null=True)
    city = models.TextField(null=True)
    country = models.CharField(max_length=2, null=True)
    state = models.CharField(max_length=2, null=True)
    goals = models.TextField(null=True)
    bio = models.CharField(max_length=3000, null=True)
    profile_image_uploaded_at = models.DateTimeField(null=True)
    phone_number = models.CharField(max_length=50, null=True)

    class Meta(LmsTable.Meta):
        db_table = "auth_userprofile"


class CourseOverviewRow(LmsTable):
    """A course, with the columns for a dump. Statements use ``identities.lms_tables.CourseOverview``."""

    id = models.CharField(max_length=255, primary_key=True)
    org = models.TextField()
    display_name = models.TextField(null=True)
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    enrollment_start = models.DateTimeField(null=True)
    enrollment_end = models.DateTimeField(null=True)
    self_paced = models.BooleanField()
    advertised_start = models.TextField(null=True)
    announcement = models.DateTimeField(null=True)
    lowest_passing_grade = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    invitation_only = models.BooleanField()
    max_student_enrollments_allowed = models.IntegerField(null=True)
    effort = models.TextField(null=True)
    enable_proctored_exams = models.BooleanField()
    entrance_exam_enabled = models.BooleanField()
    external_id = models.CharField(max_length=128, null=True)
    language = models.TextField(null=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta(LmsTable.Meta):
        db_table = "course_overviews_courseoverview"


class CourseEnrollment(LmsTable):
    """The enrollment of a user in a course."""

    user_id: int

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")
    course_id = models.CharField(max_length=255)
    created = models.DateTimeField(null=True)
    is_active = models.BooleanField()
    mode = models.CharField(max_length=100)

    class Meta(LmsTable.Meta):
        db_table = "student_courseenrollment"


class Taxonomy(LmsTable):
    """A set of tags."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=255)
    enabled = models.BooleanField()

    class Meta(LmsTable.Meta):
        db_table = "oel_tagging_taxonomy"


class Tag(LmsTable):
    """A tag and its parent in the taxonomy."""

    taxonomy_id: int | None
    parent_id: int | None

    id = models.BigAutoField(primary_key=True)
    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.DO_NOTHING, null=True, related_name="+")
    parent = models.ForeignKey("self", on_delete=models.DO_NOTHING, null=True, related_name="+")
    value = models.CharField(max_length=500)
    external_id = models.CharField(max_length=255, null=True)

    class Meta(LmsTable.Meta):
        db_table = "oel_tagging_tag"


class ObjectTag(LmsTable):
    """A tag of a course or block. A free text tag has only a ``stored_value``."""

    taxonomy_id: int | None
    tag_id: int | None

    id = models.BigAutoField(primary_key=True)
    object_id = models.CharField(max_length=255)
    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.DO_NOTHING, null=True, related_name="+")
    tag = models.ForeignKey(Tag, on_delete=models.DO_NOTHING, null=True, related_name="+")
    stored_export_id = models.CharField(max_length=255, db_column="_export_id")
    stored_value = models.CharField(max_length=500, db_column="_value")

    class Meta(LmsTable.Meta):
        db_table = "oel_tagging_objecttag"
