"""The functions that event-routing-backends and Log Replay import from edx-platform's module of this name."""

from .models import CourseOverview


def get_course_overviews(course_ids):
    rows = CourseOverview.objects.filter(id__in=[str(key) for key in course_ids])
    return [{"id": row.id, "display_name": row.display_name} for row in rows]
