"""edx-platform's own models and functions, inside the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.djangoapps.student.models import get_all_retired_usernames_by_username
from openedx.core.djangoapps.content.course_overviews.api import get_course_overviews
from openedx.core.djangoapps.external_user_ids.models import ExternalId, ExternalIdType

from log_replay.identities import LmsModels

if TYPE_CHECKING:
    from collections.abc import Collection

    from opaque_keys.edx.keys import CourseKey


def lms_models() -> LmsModels:
    """Return edx-platform's models and functions."""
    return LmsModels(
        external_id=ExternalId,
        external_id_type=ExternalIdType,
        course_names=_course_names,
        retired_usernames=lambda username: list(get_all_retired_usernames_by_username(username)),
    )


def _course_names(course_keys: Collection[CourseKey]) -> dict[str, str | None]:
    overviews = get_course_overviews(list(course_keys))
    return {str(overview["id"]): overview["display_name"] for overview in overviews}
