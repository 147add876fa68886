"""The ledger's tables: which runs there are, and how far each of their units has come."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Run(models.Model):
    """One run: what it was asked to do (no secret in it), and what it has come to.

    It is ``planned`` once all its units are there: until then nothing of it was read. ``identity`` is what must be the
    same when it is resumed, ``command`` its whole command line, ``counts`` those of its counters that are not its
    units'. A process that works on it has a lease, which it renews as long as it lives.
    """

    class State(models.TextChoices):
        """Whether it is over."""

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
    batches = models.PositiveIntegerField(default=0)
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


class Unit(models.Model):
    """The lines of one object that begin in ``[start, end)``, and how far they are delivered; see ``records.Unit``."""

    class State(models.TextChoices):
        """What became of it; a failed one could not be read to its end and is taken up again."""

        WAITING = "waiting", "waiting"
        BEGUN = "begun", "begun"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="units")
    number = models.PositiveIntegerField()
    object = models.TextField()
    size_bytes = models.BigIntegerField(null=True)
    version = models.TextField(null=True)  # noqa: DJ001 - a version that nobody knows is not an empty one
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

    objects: ClassVar[models.Manager[Unit]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_unit_number")
        ]

    def __str__(self) -> str:
        return f"{self.object} from {self.start}"


class Miss(models.Model):
    """A batch of which routes are owed something: they were lost when the others got theirs; see ``records.Miss``.

    ``routes`` says how many statements are owed to each. ``stretches`` are the lines that the batch is made of, unit by
    unit, and how it is counted there until then. ``outcomes`` says what each statement has come to elsewhere, runs of
    the same one written as one. The row goes when nothing is owed any more.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="misses")
    number = models.PositiveIntegerField()
    routes = models.JSONField()
    stretches = models.JSONField()
    outcomes = models.JSONField()

    objects: ClassVar[models.Manager[Miss]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_miss_number")
        ]

    def __str__(self) -> str:
        return f"batch {self.number}"


class Receipt(models.Model):
    """What a destination must be told of a batch it acknowledged, when the run is resumed."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="receipts")
    number = models.PositiveIntegerField()
    content = models.JSONField()

    objects: ClassVar[models.Manager[Receipt]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "number"], name="log_replay_receipt_number")
        ]

    def __str__(self) -> str:
        return f"batch {self.number}"
