"""The tables of Aspects' database ``event_sink``, as its migrations create them."""

from __future__ import annotations

from dataclasses import dataclass

_DUMP = {"dump_id": "UUID", "time_last_dumped": "String"}


@dataclass(frozen=True)
class TableSchema:
    """A table: its columns with their types, its sorting and primary keys, and its partitions.

    A ``replacing`` table keeps one row for each key; other tables keep all inserted rows.
    """

    columns: dict[str, str]
    order_by: str
    primary_key: str | None = None
    partition_by: str | None = None
    replacing: bool = True

    def ddl(self, name: str) -> str:
        """Return the SQL that creates the table if it does not exist."""
        columns = ", ".join(f"`{column}` {kind}" for column, kind in self.columns.items())
        partition = f" PARTITION BY {self.partition_by}" if self.partition_by else ""
        engine = "ReplacingMergeTree" if self.replacing else "MergeTree"
        key = self.primary_key or self.order_by
        return (
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = {engine}{partition} "
            f"PRIMARY KEY ({key}) ORDER BY ({self.order_by})"
        )


TABLES = {
    "course_overviews": TableSchema(
        {
            **dict.fromkeys(
                ("org", "course_key", "display_name", "course_start", "course_end", "enrollment_start"), "String"
            ),
            "enrollment_end": "String",
            "self_paced": "Bool",
            **dict.fromkeys(("course_data_json", "created", "modified"), "String"),
            **_DUMP,
        },
        order_by="org, course_key, modified, time_last_dumped",
        replacing=False,
    ),
    "course_blocks": TableSchema(
        {
            **dict.fromkeys(("org", "course_key", "location", "display_name", "xblock_data_json"), "String"),
            "order": "Int32 DEFAULT 0",
            "edited_on": "String",
            **_DUMP,
        },
        order_by="org, course_key, location, edited_on, `order`",
        primary_key="org, course_key, location, edited_on",
        replacing=False,
    ),
    "user_profile": TableSchema(
        {
            "id": "Int32",
            "user_id": "Int32",
            "name": "String",
            "username": "String DEFAULT ''",
            "email": "String DEFAULT ''",
            **dict.fromkeys(
                (
                    *("meta", "courseware", "language", "location", "year_of_birth", "gender", "level_of_education"),
                    *("mailing_address", "city", "country", "state", "goals", "bio", "profile_image_uploaded_at"),
                    "phone_number",
                ),
                "String",
            ),
            **_DUMP,
        },
        order_by="id, time_last_dumped",
        partition_by="user_id MOD 100",
    ),
    "external_id": TableSchema(
        {"external_user_id": "UUID", "external_id_type": "String", "username": "String", "user_id": "Int32", **_DUMP},
        order_by="external_user_id, time_last_dumped",
        partition_by="user_id MOD 100",
    ),
    "course_enrollment": TableSchema(
        {
            "id": "Int32",
            "course_key": "String",
            "created": "String",
            "is_active": "Bool",
            "mode": "LowCardinality(String)",
            "username": "String",
            "user_id": "Int32",
            **_DUMP,
        },
        order_by="course_key, user_id, time_last_dumped",
        replacing=False,
    ),
    "tag": TableSchema(
        {
            **dict.fromkeys(("id", "taxonomy", "parent"), "Int32"),
            **dict.fromkeys(("value", "external_id", "lineage"), "String"),
            **_DUMP,
        },
        order_by="id, time_last_dumped",
    ),
    "taxonomy": TableSchema({"id": "Int32", "name": "String", **_DUMP}, order_by="id, time_last_dumped"),
    "object_tag": TableSchema(
        {
            "id": "Int32",
            "object_id": "String",
            "taxonomy": "Int32",
            "tag": "Int32",
            **dict.fromkeys(("_value", "_export_id", "lineage"), "String"),
            **_DUMP,
        },
        order_by="id, time_last_dumped",
    ),
}
