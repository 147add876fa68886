"""Database router: the LMS's models in the given database, all others in our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import Model

#: The apps whose tables are in the LMS's database. All other tables, such as the ledger's, are in our own.
LMS_APPS = frozenset({"auth", "contenttypes", "event_routing_backends", "log_replay_lms"})


class LmsRouter:
    """Route the LMS's models to the database ``lms``, and never migrate that database."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        """Return the alias of the model's database."""
        return "lms" if model._meta.app_label in LMS_APPS else "default"  # noqa: SLF001 - public in all but name

    db_for_write = db_for_read

    def allow_relation(self, *_objects: Any, **_hints: Any) -> bool:
        """Allow all relations: each is within one of the two databases."""
        return True

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """Allow migrations of our own database only."""
        return db == "default"
