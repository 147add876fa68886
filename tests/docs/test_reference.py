"""The reference page is generated from the code, and complete."""

from __future__ import annotations

import re

from log_replay.docs.reference import PAGE, reference
from log_replay.pipeline.plan.units import NO_SUCH_LINE
from log_replay.pipeline.workers.results import WORKER_DIED
from log_replay.report.reasons import REFUSED, REJECTED, UNPARSABLE
from log_replay.sinks.lrs import responses, route_batch
from log_replay.standalone import environment
from tests.support.paths import TESTS

CODE = TESTS.parent / "log_replay"
RAISED = re.compile(r'(?:UnparsableLine|UnknownIdentity|NoStatement|UnstorableStatement)\("([^"]+)"\)')


def test_reference_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == reference(), "run make reference"


def test_each_reason_in_the_code_is_in_the_reference():
    sources = [path.read_text(encoding="utf-8") for path in CODE.rglob("*.py")]
    raised = {reason for source in sources for reason in RAISED.findall(source)}
    assert len(raised) > 10
    named = {NO_SUCH_LINE, WORKER_DIED, route_batch.UNAVAILABLE, responses.REFUSED, *responses.MEANINGS}
    documented = {name for reason in (*UNPARSABLE, *REJECTED, *REFUSED) for name in reason.names}
    assert (raised | named) - documented == set()


def test_each_environment_variable_is_in_the_reference():
    settings = (CODE / "standalone" / "settings.py").read_text(encoding="utf-8")
    assert set(re.findall(r'values?_of\("(\w+)"\)', settings)) == set(environment.VARIABLES)
