"""Make rows from objects of the LMS's tables. The rows are equal to those of the plugin's serializers."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from django.utils import timezone

from log_replay.dump.schema import TABLES
from log_replay.dump.tags import TagTree, course_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from log_replay.dump import DumpRow
    from log_replay.dump.source_tables import CourseEnrollment, CourseOverviewRow, ObjectTag, Tag, Taxonomy, UserProfile
    from log_replay.identities.lms_tables import ExternalId

_COURSE_DATA = (
    *("advertised_start", "announcement", "lowest_passing_grade", "invitation_only"),
    *("max_student_enrollments_allowed", "effort", "enable_proctored_exams", "entrance_exam_enabled", "external_id"),
    "language",
)


def user_profile_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``user_profile``."""
    return [_user_profile(profile) for profile in cast("Sequence[UserProfile]", objects)]


def external_id_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``external_id``."""
    return [
        {
            "external_user_id": str(found.external_user_id),
            "external_id_type": found.external_id_type.name,
            "username": found.user.get_username(),
            "user_id": found.user.pk,
            **_dump(),
        }
        for found in cast("Sequence[ExternalId]", objects)
    ]


def course_overview_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``course_overviews``."""
    courses = cast("Sequence[CourseOverviewRow]", objects)
    tags = course_tags([course.id for course in courses])
    return [_course_overview(course, tags.get(course.id, [])) for course in courses]


def course_enrollment_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``course_enrollment``."""
    return [
        {
            "id": enrollment.id,
            "course_key": enrollment.course_id,
            "created": _iso_8601(enrollment.created),
            "is_active": enrollment.is_active,
            "mode": enrollment.mode,
            "username": enrollment.user.get_username(),
            "user_id": enrollment.user_id,
            **_dump(),
        }
        for enrollment in cast("Sequence[CourseEnrollment]", objects)
    ]


def taxonomy_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``taxonomy``."""
    taxonomies = cast("Sequence[Taxonomy]", objects)
    return [{"id": taxonomy.id, "name": taxonomy.name, **_dump()} for taxonomy in taxonomies]


def tag_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``tag``."""
    tags = cast("Sequence[Tag]", objects)
    tree = TagTree(tag.id for tag in tags)
    return [
        {
            "id": tag.id,
            "taxonomy": tag.taxonomy_id,
            "parent": tag.parent_id,
            "value": tag.value,
            "external_id": tag.external_id,
            "lineage": json.dumps(tree.lineage(tag.id)),
            **_dump(),
        }
        for tag in tags
    ]


def object_tag_rows(objects: Sequence[Model]) -> list[DumpRow]:
    """Make the rows of ``object_tag``."""
    tags = cast("Sequence[ObjectTag]", objects)
    tree = TagTree(tag.tag_id for tag in tags if tag.tag_id is not None)
    return [
        {
            "id": tag.id,
            "object_id": tag.object_id,
            "taxonomy": tag.taxonomy_id,
            "tag": tag.tag_id,
            "_value": tag.stored_value,
            "_export_id": tag.stored_export_id,
            "lineage": json.dumps([tag.stored_value] if tag.tag_id is None else tree.lineage(tag.tag_id)),
            **_dump(),
        }
        for tag in tags
    ]


def _user_profile(profile: UserProfile) -> DumpRow:
    row = {column: getattr(profile, column, None) for column in TABLES["user_profile"].columns}
    return row | {
        "username": profile.user.get_username(),
        "email": profile.user.email,
        "profile_image_uploaded_at": _iso_8601(profile.profile_image_uploaded_at),
        **_dump(),
    }


def _course_overview(course: CourseOverviewRow, tags: list[int]) -> DumpRow:
    data = {column: getattr(course, column) for column in _COURSE_DATA}
    if course.lowest_passing_grade is not None:
        data["lowest_passing_grade"] = float(course.lowest_passing_grade)
    return {
        "org": course.org,
        "course_key": course.id,
        "display_name": course.display_name,
        "course_start": course.start,
        "course_end": course.end,
        "enrollment_start": _iso_8601(course.enrollment_start),
        "enrollment_end": _iso_8601(course.enrollment_end),
        "self_paced": course.self_paced,
        "course_data_json": json.dumps({**data, "tags": tags}, default=_json_date),
        "created": _iso_8601(course.created),
        "modified": _iso_8601(course.modified),
        **_dump(),
    }


def _dump() -> DumpRow:
    """Return the columns that identify a dump. As in the plugin, each row has its own dump id."""
    return {"dump_id": uuid.uuid4(), "time_last_dumped": timezone.now()}


def _iso_8601(value: datetime | None) -> str | None:
    """Format a time as Django REST framework does."""
    if value is None:
        return None
    text = timezone.localtime(value).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _json_date(value: Any) -> str:
    """Format a time in JSON as the plugin does."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
