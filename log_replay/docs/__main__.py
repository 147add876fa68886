"""Write ``reference.md``, the Tutor plugin's help and the recipes for Kubernetes: ``python -m log_replay.docs``."""

from log_replay.docs.recipes import recipes
from log_replay.docs.reference import PAGE, reference
from log_replay.docs.tutor_help import tutor_help

PAGE.write_text(reference(), encoding="utf-8")
for path, text in {**tutor_help(), **recipes()}.items():
    path.write_text(text, encoding="utf-8")
