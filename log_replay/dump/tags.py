"""Read tags and their ancestors, with one query for each level."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from django.db import connections, router

from log_replay.dump.source_tables import ObjectTag, Tag
from log_replay.identities.parameters import query_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TagNode(NamedTuple):
    """A tag in the tree of a taxonomy."""

    parent_id: int | None
    value: str


class TagTree:
    """Some tags with all their ancestors, read with one query for each level.

    Args:
        tag_ids: the ids of the tags.
    """

    def __init__(self, tag_ids: Iterable[int]) -> None:
        self._nodes: dict[int, TagNode] = {}
        wanted = set(tag_ids)
        while wanted:
            found = {
                tag_id: TagNode(parent_id, value)
                for part in query_parts(sorted(wanted))
                for tag_id, parent_id, value in _nodes(part)
            }
            self._nodes |= found
            wanted = {node.parent_id for node in found.values() if node.parent_id is not None} - self._nodes.keys()

    def path(self, tag_id: int) -> list[int]:
        """Return the ids of the tag and its ancestors, the root last."""
        ids: dict[int, None] = {}
        current: int | None = tag_id
        while current in self._nodes and current not in ids:
            ids[current] = None
            current = self._nodes[current].parent_id
        return list(ids)

    def lineage(self, tag_id: int) -> list[str]:
        """Return the values of the tag's ancestors and of the tag, the root first."""
        return [self._nodes[ancestor].value for ancestor in reversed(self.path(tag_id))]


def course_tags(course_ids: Sequence[str]) -> dict[str, list[int]]:
    """Return the ids of the courses' tags and of all their ancestors, by course id."""
    if not _tags_exist():
        return {}
    applied = [pair for part in query_parts(course_ids) for pair in _applied(part)]
    tree = TagTree(tag_id for _, tag_id in applied)
    ids: defaultdict[str, set[int]] = defaultdict(set)
    for course_id, tag_id in applied:
        ids[course_id].update(tree.path(tag_id))
    return {course_id: list(found) for course_id, found in ids.items()}


def _nodes(tag_ids: Sequence[int]) -> Iterable[tuple[int, int | None, str]]:
    return Tag.objects.filter(pk__in=tag_ids).values_list("id", "parent_id", "value")


def _applied(course_ids: Sequence[str]) -> Iterable[tuple[str, int]]:
    # The same filter as in openedx_tagging's get_object_tags: no deleted tags, no tags of disabled taxonomies.
    rows = ObjectTag.objects.filter(object_id__in=course_ids, tag__isnull=False, taxonomy__enabled=True)
    return rows.order_by("id").values_list("object_id", "tag_id")


def _tags_exist() -> bool:
    """Return whether the LMS has the tables of tags, which Redwood introduced."""
    connection = connections[router.db_for_read(ObjectTag) or "default"]
    return ObjectTag._meta.db_table in connection.introspection.table_names()  # noqa: SLF001 - documented
