"""Preparation of the databases: of our own, and a check of the LMS's."""

from __future__ import annotations

from django.conf import settings

from log_replay.errors import ConfigurationError, IdentityError


def prepare_state() -> None:
    """Create or update the embedded database; inside an LMS, do nothing.

    Raises:
        ConfigurationError: its folder cannot be written to.
    """
    if getattr(settings, "LOG_REPLAY_STANDALONE", False):
        from log_replay.standalone.embedded import prepare  # noqa: PLC0415 - its models exist only outside the LMS

        prepare()


def prepare_identities(transformer_type: str) -> None:
    """Prepare our own database, and check that the LMS's database answers and has the tables that statements need.

    Args:
        transformer_type: the type of the run's statements.

    Raises:
        ConfigurationError: a setting or a table is missing, or a database cannot be reached.
    """
    # Imported here, since they need the models.
    from log_replay.identities.database import check_database  # noqa: PLC0415
    from log_replay.pipeline.transform import external_id_type  # noqa: PLC0415

    if getattr(settings, "LOG_REPLAY_STANDALONE", False):
        from log_replay.standalone.checks import check_root_url  # noqa: PLC0415 - only outside the LMS

        check_root_url()
    prepare_state()
    try:
        check_database(external_id_type(transformer_type))
    except IdentityError as error:
        raise ConfigurationError(
            error.message, operation=error.operation, object=error.object, hint=error.hint
        ) from error
