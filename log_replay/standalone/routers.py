"""Which database has what, where the LMS's own is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import Model

#: What lies in the LMS's database; all else, the ledger above all, is our own state.
LMS_APPS = frozenset({"auth", "contenttypes", "event_routing_backends", "log_replay_lms"})


class LmsRouter:
    """Sends the LMS's models to the database ``lms`` and never migrates anything there."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        """Return the alias of the model's database."""
        return "lms" if model._meta.app_label in LMS_APPS else "default"  # noqa: SLF001 - public in all but name

    db_for_write = db_for_read

    def allow_relation(self, *_objects: Any, **_hints: Any) -> bool:
        """All relations stay within one of the two databases."""
        return True

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """A given database is never altered."""
        return db == "default"
