"""Log statements: formatters and handlers for the two statement loggers, and the setup of Log Replay's own log.

Each statement is one INFO record of the logger ``xapi_tracking`` or ``caliper_tracking``. The record's message is the
statement's text. Every public name can be used in a ``LOGGING`` dict as ``log_replay.statement_log.<name>``.
"""

from log_replay.statement_log.app_log import configure_own_log
from log_replay.statement_log.emit import LOGGERS, flush_statements, log_statements, logged_line
from log_replay.statement_log.file_handler import FileHandler
from log_replay.statement_log.formatters import AspectsFormatter, JsonFormatter, RawFormatter
from log_replay.statement_log.line_limits import LINE_LIMITS, LineLimit
from log_replay.statement_log.pretty import PrettyFormatter
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
    "PrettyFormatter",
    "RawFormatter",
    "SocketHandler",
    "StdoutHandler",
    "configure_own_log",
    "flush_statements",
    "log_statements",
    "logged_line",
    "statement_logging",
    "statements_to",
]
