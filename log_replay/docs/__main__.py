"""Write ``reference.md``: ``python -m log_replay.docs``."""

from log_replay.docs.reference import PAGE, reference

PAGE.write_text(reference(), encoding="utf-8")
