"""edx-platform's own models and functions, inside the LMS."""

from __future__ import annotations

from common.djangoapps.student.models import get_all_retired_usernames_by_username
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.external_user_ids.models import ExternalId, ExternalIdType

from log_replay.identities import LmsModels


def lms_models() -> LmsModels:
    """Return edx-platform's models and functions."""
    return LmsModels(
        external_id=ExternalId,
        external_id_type=ExternalIdType,
        course_overview=CourseOverview,
        retired_usernames=lambda username: list(get_all_retired_usernames_by_username(username)),
    )
