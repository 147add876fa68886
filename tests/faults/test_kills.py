"""A run that is killed at any moment and started again has the same result as an uninterrupted run."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.support.scenes import INTO_FILES as FILES
from tests.support.scenes import KILLED

ALWAYS = ["create", "plan", "claim", "count", "reject", "record", "record, inside", "finish"]
#: The statements of one batch and of the longest block: blocks are logged as a whole.
STATEMENTS_IN_FLIGHT = 300
OF_FILES = ["deliver to files", "write", "rename", "finish files"]


def killed_at(scene, seam: str, moment: str, numbers: list[int]) -> int:
    """Start a run repeatedly and kill it at one of these calls each time. Return the number of kills."""
    deaths = 0
    for number in numbers:
        code = scene.run({"seam": seam, moment: number})
        deaths += code == KILLED
        if code == 0:
            return deaths
    assert scene.run() == 0, scene.log
    return deaths


def sampled(count: int) -> list[int]:
    """Return the numbers of a middle and the last call; ``test_random_kills`` has the others."""
    return sorted({max(1, count // 2), count})


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("seam", [*ALWAYS, *OF_FILES])
def test_files_are_the_same_after_a_kill_anywhere(scene, whole, seam, moment):
    """Output files, manifest, rejects and counters."""
    killed = scene("killed", *FILES)
    deaths = killed_at(killed, seam, moment, sampled(whole.calls[seam]))
    assert deaths
    assert killed.files == whole.files
    assert killed.counted == whole.counted
    assert killed.rejects == whole.rejects


def test_files_are_the_same_after_a_kill_at_every_batch(scene, whole):
    """Each start delivers one batch. It is killed before or after the batch is recorded."""
    killed = scene("killed", *FILES)
    batches = whole.calls["deliver to files"]
    deaths = 0
    for number in range(batches):
        deaths += killed.run({"seam": "deliver to files", "after": 1}) == KILLED
        deaths += killed.run({"seam": "record", "after": 1}) == KILLED
        if killed.codes[-1] == 0:
            break
        assert len(killed.files) == number + 1
    assert killed.run() == 0
    assert deaths >= batches
    assert killed.files == whole.files
    assert killed.counted == whole.counted
    assert killed.rejects == whole.rejects


@pytest.mark.parametrize("unit_size", ["10KB", "50MB"])
@pytest.mark.parametrize("batch_size", ["1000000", "7"])
def test_files_are_the_same_after_a_kill_for_any_sizes(scene, source, unit_size, batch_size):
    sizes = ["--unit_size", unit_size, "--batch_size", batch_size]
    whole, killed = scene("whole", *FILES, *sizes), scene("killed", *FILES, *sizes)
    assert whole.run() == 0
    assert killed.run({"seam": "record", "after": 3 if batch_size == "7" else 1}) == KILLED
    assert killed.run() == 0
    assert killed.files == whole.files
    assert killed.counted == whole.counted
    assert killed.rejects == whole.rejects


def test_files_are_the_same_after_a_kill_with_workers(scene, whole):
    killed = scene("killed", *FILES, "--workers", "2")
    assert killed.run({"seam": "record", "after": 4}) == KILLED
    assert killed.run() == 0, killed.log
    assert killed.files == whole.files
    assert killed.counted == whole.counted


@pytest.mark.parametrize("seam", ["discard", "log", "record"])
def test_logger_gets_only_the_batch_in_flight_twice(scene, seam):
    where = ["--destination_provider", "LOGGER", "--log_format", "raw", "--log_to", "file:OUT/statements"]
    whole, killed = scene("whole", *where), scene("killed", *where)
    assert whole.run() == 0, whole.log
    deaths = killed_at(killed, seam, "after", sampled(whole.calls[seam]))
    assert deaths
    once, logged = (Counter(run.files["statements"].splitlines()) for run in (whole, killed))
    assert once.keys() == logged.keys()
    assert (logged - once).total() <= deaths * STATEMENTS_IN_FLIGHT
    assert killed.counted == whole.counted


def test_s3_objects_are_the_same_after_kills(scene, s3):
    config = {**s3.config}
    whole, killed = (
        scene(name, "--destination_provider", "MINIO", "--destination_config", json.dumps({**config, "prefix": name}))
        for name in ("whole", "killed")
    )
    assert whole.run() == 0, whole.log
    for moment in ("before", "after"):
        killed.run({"seam": "put", moment: 3})
    assert killed.codes == [KILLED, KILLED]
    assert killed.run() == 0
    objects = {
        prefix: {name.rpartition("/")[2]: s3.read(name) for name in s3.names() if name.startswith(prefix)}
        for prefix in ("whole", "killed")
    }
    manifests = [json.loads(objects[prefix].pop("manifest.json")) for prefix in objects]
    for manifest in manifests:
        del manifest["runs"][0]["created"]
    assert manifests[0] == manifests[1]
    assert objects["killed"] == objects["whole"]
    assert killed.counted == whole.counted


# Upstream's statements about exams and about problems with several questions are not valid xAPI 1.0.3, and Learning
# Locker is strict.
CONFORMANT = ["--event", "edx.video.*", "edx.forum.*", "edx.course.*", "edx.ui.*", "*_video", "showanswer"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("lrs", ["ralph", "learning_locker"])
def test_lrs_has_every_statement_once_after_kills(request, scene, lrs, moment):
    lrs, chosen = request.getfixturevalue(lrs), CONFORMANT if lrs == "learning_locker" else []
    logged = ["--destination_provider", "LOGGER", "--log_format", "raw", "--log_to", "file:OUT/statements"]
    whole = scene("whole", *logged, *chosen)
    assert whole.run() == 0
    ids = {json.loads(line)["id"] for line in whole.files["statements"].splitlines()}
    where = ["--destination_provider", "LRS", "--destination_config", json.dumps(lrs.config), "--log_to", "null"]
    killed = scene("killed", *where, *chosen, "--sleep_between_batches_secs", "0", "--batch_size", "15")
    for number in (1, 3, 4):
        assert killed.run({"seam": "deliver to an LRS", moment: number}) == KILLED
    assert killed.run() == 0, killed.log
    stored = Counter(statement["id"] for statement in lrs.stored(ids))
    assert stored == Counter(ids)
    delivered = killed.counted["total"]
    assert delivered["statements"] == delivered["delivered"] + delivered["duplicate"]
    assert delivered["statements"] == whole.counted["total"]["statements"]
