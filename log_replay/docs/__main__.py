"""Write ``reference.md`` and the help of the Tutor plugin: ``python -m log_replay.docs``."""

from log_replay.docs.reference import PAGE, reference
from log_replay.docs.tutor_help import tutor_help

PAGE.write_text(reference(), encoding="utf-8")
for path, text in tutor_help().items():
    path.write_text(text, encoding="utf-8")
