"""The CSV format of rows, and tags with their ancestors."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.dump.event_sink import csv_block


@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.none() | st.booleans() | st.integers()), min_size=1)
)
def test_csv_block_can_be_read_back(rows):
    block = csv_block([{"text": text, "other": other} for text, other in rows])
    read = list(csv.reader(io.StringIO(block.decode(), newline="")))
    assert read == [[text, "" if other is None else str(other)] for text, other in rows]


def test_csv_block_has_the_format_of_the_plugin():
    row = {
        "id": 5,
        "name": 'a "b"',
        "none": None,
        "is_active": True,
        "dump_id": uuid.UUID(int=1),
        "time_last_dumped": datetime(2026, 3, 1, tzinfo=UTC),
    }
    expected = b'5,"a ""b""","",True,00000000-0000-0000-0000-000000000001,"2026-03-01 00:00:00+00:00"\r\n'
    assert csv_block([row]) == expected


@pytest.fixture
def tag_tables(transactional_db):
    """The tables of tags, which the embedded database lacks."""
    from django.db import connection

    from log_replay.dump.source_tables import ObjectTag, Tag, Taxonomy

    models = (Taxonomy, Tag, ObjectTag)
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    yield Tag
    with connection.schema_editor() as editor:
        for model in reversed(models):
            editor.delete_model(model)


def test_tag_tree_needs_one_query_for_each_level(tag_tables, django_assert_num_queries):
    from log_replay.dump.tags import TagTree

    for number in range(1, 4):
        tag_tables.objects.create(id=number, value=f"tag{number}", parent_id=number - 1 or None)
    with django_assert_num_queries(3):
        tree = TagTree([3])
    assert tree.lineage(3) == ["tag1", "tag2", "tag3"]
    assert tree.path(3) == [3, 2, 1]


def test_cyclic_tags_do_not_hang(tag_tables):
    from django.db import connection

    from log_replay.dump.tags import TagTree

    tag_tables.objects.create(id=1, value="egg", parent_id=None)
    tag_tables.objects.create(id=2, value="hen", parent_id=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE oel_tagging_tag SET parent_id = 2 WHERE id = 1")
    assert TagTree([2]).lineage(2) == ["egg", "hen"]


def test_courses_have_no_tags_without_the_tag_tables(db):
    from log_replay.dump.tags import course_tags

    assert course_tags(["course-v1:DemoX+a+2026"]) == {}
