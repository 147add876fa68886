"""Import structlog faster: without rich's tracebacks and pygments, which it imports if it finds them.

They take 100 of the 1,825 million instructions of a run over an empty log. We never use them: they would print local
variables, and these can be secrets.
"""

from __future__ import annotations

import sys
from importlib import import_module


def import_structlog() -> None:
    """Import structlog as on a machine without rich, unless it is imported already. Our own code imports rich later."""
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # an import of it fails, as if it were not installed
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]
