"""Pages of documentation; ``python -m log_replay.docs`` generates ``reference.md`` from the code."""
