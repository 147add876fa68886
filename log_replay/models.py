"""The tables of the ledger: runs, and the progress of their units."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Run(models.Model):
    """One run: its configuration, without secrets, and its results.

    ``identity`` holds the options that must be the same when the run is resumed, ``command`` all options that were
    given. ``planned`` is True once all units are stored; before that, nothing is read. ``counts`` holds the counters
    that are not kept by unit. The process that works on the run holds a lease and renews it.

    With ``joined``, several processes work on the run, and each holds claims on groups (see ``RunGroup``). Then the
    lease belongs to the process that makes the plan or finishes the run. ``rejects_parts`` lists the parts of rejects
    files that this process has written; see ``RunGroup``. ``stop_requested`` asks all processes to stop.
    """

    class State(models.TextChoices):
        """The state of a run."""

        RUNNING = "running", "running"
        STOPPED = "stopped", "stopped"
        FINISHED = "finished", "finished"

    name = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    reason = models.TextField(blank=True)
    identity = models.JSONField(default=dict)
    command = models.JSONField(default=dict)
    planned = models.BooleanField(default=False)
    skipped = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    rejects_bytes = models.BigIntegerField(default=0)
    rejects_parts = models.JSONField(default=list)
    batches = models.PositiveIntegerField(default=0)
    joined = models.BooleanField(default=False)
    stop_requested = models.BooleanField(default=False)
    owner = models.CharField(max_length=255, blank=True)
    lease_until = models.DateTimeField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    finished = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Run]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created"]

    def __str__(self) -> str:
        return self.name


class RunGroup(models.Model):
    """Successive units of a run that one process replays; see ``records.Unit``.

    The process that replays a group has a claim on it: it is the ``owner`` until ``lease_until``. ``fence`` is the
    number of claims so far: progress is recorded only by the latest of them. ``counts`` are the counters of the group
    that are not kept by unit, and ``batches`` is its number of batches, both since the run was last joined.
    ``rejects_parts`` lists the parts of rejects files with the group's rejects: path, first byte, byte after the last.
    """

    class State(models.TextChoices):
        """The state of a group. A failed group has units that could not be read to their end."""

        WAITING = "waiting", "waiting"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="groups")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    owner = models.CharField(max_length=255, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    batches = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    rejects_parts = models.JSONField(default=list)

    objects: ClassVar[models.Manager[RunGroup]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_group_number")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["run", "state", "number"], name="log_replay_group_state")
        ]

    def __str__(self) -> str:
        return f"group {self.number}"


class RunUnit(models.Model):
    """The lines of one object that begin in ``[start, end)``, and their progress; see ``records.Unit``.

    ``head`` is a digest of the first bytes of the object: an object that has only grown has the same head.
    ``split_from`` is the number of the planned unit that a unit was split from, because a part of it failed.
    """

    class State(models.TextChoices):
        """The state of a unit. A failed unit could not be read to its end; resuming the run continues it."""

        WAITING = "waiting", "waiting"
        BEGUN = "begun", "begun"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="units")
    number = models.PositiveIntegerField()
    object = models.TextField()
    size_bytes = models.BigIntegerField(null=True)
    version = models.TextField(null=True)  # noqa: DJ001 - null: not known; empty: an empty version
    start = models.BigIntegerField(default=0)
    end = models.BigIntegerField(null=True)
    lines = models.JSONField(null=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    offset = models.BigIntegerField(null=True)
    counted_to = models.BigIntegerField(default=0)
    counters = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    begun = models.DateTimeField(null=True)
    updated = models.DateTimeField(null=True)
    head = models.CharField(max_length=64, blank=True)
    split_from = models.PositiveIntegerField(null=True)
    group = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager[RunUnit]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_unit_number")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["run", "group"], name="log_replay_unit_group")]

    def __str__(self) -> str:
        return f"{self.object} from {self.start}"


class RunBacklog(models.Model):
    """A batch that unavailable routes did not get while the others did; see ``records.BacklogEntry``.

    ``routes`` maps each route to the number of statements that it has not received. ``line_ranges`` are the lines that
    the batch was made of, unit by unit, with their counters. ``outcomes`` is the run-length encoded result of each
    statement at the other routes. The row is deleted when every route has received its statements.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="backlog")
    number = models.PositiveBigIntegerField()
    routes = models.JSONField()
    line_ranges = models.JSONField()
    outcomes = models.JSONField()

    objects: ClassVar[models.Manager[RunBacklog]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_backlog_number")
        ]

    def __str__(self) -> str:
        return f"batch {self.number}"


class RunAcknowledgement(models.Model):
    """The acknowledgement of a batch. The destination receives it again when the run is resumed."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="acknowledgements")
    number = models.PositiveBigIntegerField()
    content = models.JSONField()

    objects: ClassVar[models.Manager[RunAcknowledgement]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_acknowledgement_number")
        ]

    def __str__(self) -> str:
        return f"batch {self.number}"
