"""A modulestore with the courses of all overviews except one. One of the courses is damaged."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from lms_models.models import CourseOverview
from opaque_keys.edx.keys import CourseKey

DELETED = "course-v1:DemoX+deleted+2026"
DAMAGED = "course-v1:DemoX+damaged+2026"
TREE = {
    "course": ["chapter", "chapter"],
    "chapter": ["sequential"],
    "sequential": ["vertical"],
    "vertical": ["problem", "video"],
}


class Block(SimpleNamespace):
    def get_children(self):
        return self.children


def modulestore():
    return Modulestore()


class Modulestore:
    def get_course(self, course_key, revision):
        assert revision == "rev-opt-published-only"
        if str(course_key) == DAMAGED:
            raise RuntimeError("content of the course that must not be logged")
        return _block(course_key, "course", "course") if self.has_course(course_key) else None

    def has_course(self, course_key):
        return str(course_key) != DELETED

    def get_items(self, course_key, revision):
        assert CourseOverview.objects.filter(id=course_key).exists()
        return [_block(course_key, "static_tab", "tab"), _block(course_key, "html", "not_detached")]


def _block(course_key: CourseKey, kind: str, name: str) -> Block:
    location = course_key.make_usage_key(kind, name)
    more = {"start_time": timedelta(seconds=1.5), "end_time": None} if kind == "video" else {}
    return Block(
        location=location,
        scope_ids=SimpleNamespace(usage_id=location, block_type=kind),
        display_name_with_default=f'A "{kind}", {name}\nof it',
        graded=kind == "sequential",
        edited_on=datetime(2026, 3, 1, 8, tzinfo=UTC),
        children=[_block(course_key, child, f"{name}_{at}") for at, child in enumerate(TREE.get(kind, []))],
        **more,
    )
