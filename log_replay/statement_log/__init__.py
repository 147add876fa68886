"""The two statement loggers: formatters and handlers for any Django ``LOGGING``, and our own log beside them.

Each statement is one INFO record of the logger ``xapi_tracking`` or ``caliper_tracking``, its message the statement's
text. Every name here is usable in a ``LOGGING`` dict as ``log_replay.statement_log.<name>``.
"""

from log_replay.statement_log.app_log import configure_own_log
from log_replay.statement_log.emit import LOGGERS, log_statements, settle_statements
from log_replay.statement_log.file_handler import FileHandler
from log_replay.statement_log.formatters import AspectsFormatter, JsonFormatter, RawFormatter
from log_replay.statement_log.line_limits import LINE_LIMITS, LineLimit
from log_replay.statement_log.setup import statement_logging, statements_to
from log_replay.statement_log.socket_handler import SocketHandler
from log_replay.statement_log.stdout_handler import StdoutHandler

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
