"""The ledger: runs, their groups and units, the acknowledgements of batches, and the backlog of unavailable routes."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the tables."""

    initial = True

    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "running"), ("stopped", "stopped"), ("finished", "finished")],
                        default="running",
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("identity", models.JSONField(default=dict)),
                ("command", models.JSONField(default=dict)),
                ("planned", models.BooleanField(default=False)),
                ("skipped", models.JSONField(default=dict)),
                ("counts", models.JSONField(default=dict)),
                ("rejects_bytes", models.BigIntegerField(default=0)),
                ("rejects_parts", models.JSONField(default=list)),
                ("batches", models.PositiveIntegerField(default=0)),
                ("joined", models.BooleanField(default=False)),
                ("stop_requested", models.BooleanField(default=False)),
                ("owner", models.CharField(blank=True, max_length=255)),
                ("lease_until", models.DateTimeField(null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("updated", models.DateTimeField(auto_now=True)),
                ("finished", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-created"],
            },
        ),
        migrations.CreateModel(
            name="RunGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("done", "done"), ("failed", "failed")],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("owner", models.CharField(blank=True, max_length=255)),
                ("fence", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("batches", models.PositiveIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("rejects_parts", models.JSONField(default=list)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="groups", to="log_replay.run"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [models.UniqueConstraint(fields=("run", "number"), name="log_replay_group_number")],
                "indexes": [models.Index(fields=["run", "state", "number"], name="log_replay_group_state")],
            },
        ),
        migrations.CreateModel(
            name="RunAcknowledgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField()),
                ("content", models.JSONField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="acknowledgements",
                        to="log_replay.run",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="log_replay_acknowledgement_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="RunBacklog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField()),
                ("routes", models.JSONField()),
                ("line_ranges", models.JSONField()),
                ("outcomes", models.JSONField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="backlog", to="log_replay.run"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [models.UniqueConstraint(fields=("run", "number"), name="log_replay_backlog_number")],
            },
        ),
        migrations.CreateModel(
            name="RunUnit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("object", models.TextField()),
                ("size_bytes", models.BigIntegerField(null=True)),
                ("version", models.TextField(null=True)),
                ("start", models.BigIntegerField(default=0)),
                ("end", models.BigIntegerField(null=True)),
                ("lines", models.JSONField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("begun", "begun"), ("done", "done"), ("failed", "failed")],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("offset", models.BigIntegerField(null=True)),
                ("counted_to", models.BigIntegerField(default=0)),
                ("counters", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("begun", models.DateTimeField(null=True)),
                ("updated", models.DateTimeField(null=True)),
                ("head", models.CharField(blank=True, max_length=64)),
                ("split_from", models.PositiveIntegerField(null=True)),
                ("group", models.PositiveIntegerField(default=0)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="units", to="log_replay.run"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [models.UniqueConstraint(fields=("run", "number"), name="log_replay_unit_number")],
                "indexes": [models.Index(fields=["run", "group"], name="log_replay_unit_group")],
            },
        ),
    ]
