"""The two statement loggers: formatters and handlers for any Django ``LOGGING``, and our own log beside them.

Each statement is one INFO record of the logger ``xapi_tracking`` or ``caliper_tracking``, its message the statement's
text. Every name here is usable in a ``LOGGING`` dict as ``log_replay.logs.<name>``.
"""

from log_replay.logs.emit import LOGGERS, log_statements, settle_statements
from log_replay.logs.files import FileHandler
from log_replay.logs.formats import AspectsFormatter, JsonFormatter, RawFormatter
from log_replay.logs.limits import LINE_LIMITS, LineLimit
from log_replay.logs.own import configure_own_log
from log_replay.logs.sockets import SocketHandler
from log_replay.logs.stdout import StdoutHandler
from log_replay.logs.wiring import statement_logging, statements_to

__all__ = [
    "LINE_LIMITS",
    "LOGGERS",
    "AspectsFormatter",
    "FileHandler",
    "JsonFormatter",
    "LineLimit",
    "RawFormatter",
    "SocketHandler",
    "StdoutHandler",
    "configure_own_log",
    "log_statements",
    "settle_statements",
    "statement_logging",
    "statements_to",
]
