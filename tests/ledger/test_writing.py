"""What the ledger writes after each batch."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.utils import timezone

from log_replay.ledger.writing import Update, written_soon
from log_replay.models import Run

pytestmark = pytest.mark.django_db

FULL, NORMAL = 2, 1


@pytest.fixture
def ahead(tmp_path):
    """A connection to a file of SQLite's that is written ahead."""
    from django.db.backends.sqlite3.base import DatabaseWrapper

    made = DatabaseWrapper({**connection.settings_dict, "NAME": str(tmp_path / "x.sqlite3"), "OPTIONS": {}})
    asked(made, "journal_mode=WAL")
    yield made
    made.close()


def asked(of, pragma: str):
    of.ensure_connection()
    return of.connection.execute(f"PRAGMA {pragma}").fetchone()[0]


def test_only_the_ledger_does_not_wait_for_the_disk(ahead):
    assert asked(ahead, "synchronous") == FULL
    with written_soon(ahead):
        assert asked(ahead, "synchronous") == NORMAL
    assert asked(ahead, "synchronous") == FULL


def test_it_waits_where_sqlite_does_not_write_ahead(ahead):
    asked(ahead, "journal_mode=DELETE")
    with written_soon(ahead):
        assert asked(ahead, "synchronous") == FULL


def test_what_somebody_else_has_set_stays(ahead):
    ahead.connection.execute("PRAGMA synchronous=OFF")
    with written_soon(ahead):
        pass
    assert asked(ahead, "synchronous") == 0


def test_an_update_sets_just_those_rows_and_counts_them():
    one, other = (Run.objects.create(name=name) for name in ("one", "other"))
    set_counts = Update(Run, ("counts", "updated"), ("id", "owner"))
    now = timezone.now()
    assert set_counts({"failures": {'%s "ü': 1}}, now, one.pk, "") == 1
    assert set_counts({}, now, one.pk, "somebody else") == 0
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.counts, one.updated) == ({"failures": {'%s "ü': 1}}, now)
    assert other.counts == {}


def test_an_update_is_undone_with_its_transaction():
    run = Run.objects.create(name="one")
    with transaction.atomic():
        Update(Run, ("batches",), ("id",))(7, run.pk)
        transaction.set_rollback(True)
    run.refresh_from_db()
    assert run.batches == 0
