"""Options of Vector's components that exist both in 0.54 and in current Vector, from the references of both.

A value is a type, a set of the allowed words, or ``dict`` for a map with any keys. Options that only one of the two
versions has are not listed, such as ``headers`` of the http sink (until 0.54) or ``base_dir`` of the file sink (later).
"""

from __future__ import annotations

from typing import Any

ACKNOWLEDGEMENTS = {"acknowledgements.enabled": bool}
BATCH = {"batch.max_bytes": int, "batch.max_events": int, "batch.timeout_secs": (int, float)}
#: Buffer options of every sink. Vector refuses a smaller disk buffer.
BUFFER = {"buffer.type": {"memory", "disk"}, "buffer.max_size": int, "buffer.when_full": {"block", "drop_newest"}}
SMALLEST_DISK_BUFFER = 268435488
REQUEST = {
    "request.concurrency": (int, str),
    "request.timeout_secs": int,
    "request.retry_attempts": int,
    "request.retry_initial_backoff_secs": int,
    "request.retry_max_duration_secs": int,
}
TLS = {
    "tls.ca_file": str,
    "tls.crt_file": str,
    "tls.key_file": str,
    "tls.verify_certificate": bool,
    "tls.verify_hostname": bool,
}
AUTH = {"auth.strategy": {"basic", "bearer"}, "auth.user": str, "auth.password": str, "auth.token": str}
ENCODING = {
    "encoding.codec": {"json", "text", "raw_message", "logfmt", "native", "native_json"},
    "encoding.only_fields": list,
    "encoding.except_fields": list,
    "encoding.timestamp_format": {"unix", "rfc3339", "unix_ms", "unix_us", "unix_ns", "unix_float"},
}
FRAMING_OUT = {
    "framing.method": {"bytes", "character_delimited", "length_delimited", "newline_delimited"},
    "framing.character_delimited.delimiter": str,
}
FRAMING_IN = {
    "framing.method": {"bytes", "character_delimited", "length_delimited", "newline_delimited", "octet_counting"},
    "framing.newline_delimited.max_length": int,
}
MULTILINE = {
    "multiline.start_pattern": str,
    "multiline.condition_pattern": str,
    "multiline.mode": {"continue_past", "continue_through", "halt_before", "halt_with"},
    "multiline.timeout_ms": int,
}

OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "sources": {
        "stdin": {"max_length": int, "host_key": str, "decoding.codec": {"bytes"}, **FRAMING_IN},
        "file": {
            **ACKNOWLEDGEMENTS,
            **MULTILINE,
            "include": list,
            "exclude": list,
            "read_from": {"beginning", "end"},
            "max_line_bytes": int,
            "max_read_bytes": int,
            "oldest_first": bool,
            "ignore_checkpoints": bool,
            "glob_minimum_cooldown_ms": int,
            "fingerprint.strategy": {"checksum", "device_and_inode"},
            "fingerprint.lines": int,
        },
        "docker_logs": {
            **MULTILINE,
            "docker_host": str,
            "include_containers": list,
            "include_images": list,
            "include_labels": list,
            "exclude_containers": list,
            "auto_partial_merge": bool,
        },
        "kubernetes_logs": {
            "extra_label_selector": str,
            "extra_field_selector": str,
            "extra_namespace_label_selector": str,
            "auto_partial_merge": bool,
            "max_line_bytes": int,
            "max_merged_line_bytes": int,
            "glob_minimum_cooldown_ms": int,
            "delay_deletion_ms": int,
            "self_node_name": str,
        },
        "socket": {
            "mode": {"tcp", "udp", "unix_datagram", "unix_stream"},
            "address": str,
            "path": str,
            "connection_limit": int,
            "socket_file_mode": int,
            **FRAMING_IN,
            **TLS,
        },
        "vector": {"address": str, "version": str, **ACKNOWLEDGEMENTS, **TLS},
        "internal_metrics": {"namespace": str, "scrape_interval_secs": (int, float)},
    },
    "transforms": {
        "remap": {
            "source": str,
            "file": str,
            "drop_on_abort": bool,
            "drop_on_error": bool,
            "reroute_dropped": bool,
            "timezone": str,
        },
        "route": {"route": dict, "reroute_unmatched": bool},
        "dedupe": {
            "fields.match": list,
            "fields.ignore": list,
            "cache.num_events": int,
            "time_settings.max_age_ms": int,
        },
        "reduce": {
            "group_by": list,
            "max_events": int,
            "expire_after_ms": int,
            "flush_period_ms": int,
            "end_every_period_ms": int,
            "merge_strategies": dict,
            "starts_when": str,
            "ends_when": str,
        },
    },
    "sinks": {
        "clickhouse": {
            **ACKNOWLEDGEMENTS,
            **AUTH,
            **BATCH,
            **BUFFER,
            **REQUEST,
            **TLS,
            "endpoint": str,
            "database": str,
            "table": str,
            "format": {"json_each_row", "json_as_object", "json_as_string"},
            "date_time_best_effort": bool,
            "skip_unknown_fields": bool,
            "insert_random_shard": bool,
            "compression": {"none", "gzip", "snappy", "zlib", "zstd"},
            "encoding.only_fields": list,
            "encoding.except_fields": list,
            "encoding.timestamp_format": ENCODING["encoding.timestamp_format"],
        },
        "http": {
            **ACKNOWLEDGEMENTS,
            **AUTH,
            **BATCH,
            **BUFFER,
            **ENCODING,
            **FRAMING_OUT,
            **REQUEST,
            **TLS,
            "uri": str,
            "method": {"get", "head", "post", "put", "delete", "options", "trace", "patch"},
            "compression": {"none", "gzip", "snappy", "zlib", "zstd"},
            "payload_prefix": str,
            "payload_suffix": str,
            "request.headers": dict,
        },
        "aws_s3": {
            **ACKNOWLEDGEMENTS,
            **BATCH,
            **BUFFER,
            **ENCODING,
            **FRAMING_OUT,
            **REQUEST,
            **TLS,
            "auth.access_key_id": str,
            "auth.secret_access_key": str,
            "auth.assume_role": str,
            "bucket": str,
            "region": str,
            "endpoint": str,
            "key_prefix": str,
            "filename_extension": str,
            "filename_time_format": str,
            "filename_append_uuid": bool,
            "force_path_style": bool,
            "compression": {"none", "gzip", "snappy", "zlib", "zstd"},
            "storage_class": str,
        },
        "console": {**ACKNOWLEDGEMENTS, **BUFFER, **ENCODING, **FRAMING_OUT, "target": {"stdout", "stderr"}},
        "file": {
            **ACKNOWLEDGEMENTS,
            **BUFFER,
            **ENCODING,
            **FRAMING_OUT,
            "path": str,
            "compression": {"none", "gzip", "zstd"},
            "idle_timeout_secs": int,
        },
        "vector": {**ACKNOWLEDGEMENTS, **BATCH, **BUFFER, **REQUEST, **TLS, "address": str},
        "prometheus_exporter": {**ACKNOWLEDGEMENTS, **BUFFER, **TLS, "address": str, "default_namespace": str},
    },
}

REQUIRED: dict[str, dict[str, set[str]]] = {
    "sources": {
        "stdin": set(),
        "file": {"include"},
        "docker_logs": set(),
        "kubernetes_logs": set(),
        "socket": {"mode"},
        "vector": {"address"},
        "internal_metrics": set(),
    },
    "transforms": {"remap": set(), "route": {"route"}, "dedupe": set(), "reduce": set()},
    "sinks": {
        "clickhouse": {"endpoint", "table"},
        "http": {"uri", "encoding.codec"},
        "aws_s3": {"bucket", "encoding.codec"},
        "console": {"encoding.codec"},
        "file": {"path", "encoding.codec"},
        "vector": {"address"},
        "prometheus_exporter": set(),
    },
}

#: All top-level keys. ``data_dir`` must be the same in every file that contains it.
TOP_LEVEL = {"sources", "transforms", "sinks", "tests", "secret", "data_dir"}
SECRET_OPTIONS = {"type": {"directory"}, "path": str, "remove_trailing_whitespace": bool}
