"""Write statements as files of JSON lines, to a local folder or to any storage provider of libcloud."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.clickhouse.rows import UnstorableStatement
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import Delivery, Refusal
from log_replay.sinks.files.compression import SUFFIXES, Tally, compressed
from log_replay.sinks.files.folder import Folder
from log_replay.sinks.files.layouts import STATEMENTS, read_layout
from log_replay.sinks.files.manifest import MANIFEST, Output, earlier_runs, merged, position_entry, run_entry
from log_replay.storage.local import local_folder
from log_replay.storage.location import Location
from log_replay.storage.output_names import output_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.records import Position, TransformedEvent
    from log_replay.retry import RetryPolicy
    from log_replay.sinks.files.layouts import Layout
    from log_replay.sinks.files.store import Store

#: No run has this key. A file with it is a probe, and sources skip it as they skip outputs.
_PROBE_KEY = "0" * 12


class Line(NamedTuple):
    """A line of an output, and the position of the event that it was made from."""

    position: Position
    text: bytes


class FileSink:
    """Write each batch as one file, or as one file for each folder; then write the manifest.

    The name and the bytes of a file depend only on the run's key, the batches and the compression. Therefore a repeated
    run overwrites its own outputs with the same bytes, and no outputs of other runs.

    Args:
        store: the container to write to.
        transformer_type: ``xapi`` or ``caliper``.
        key: twelve hexadecimal digits, the digest of everything that determines the run's output.
        prefix: the folder of the outputs, without a slash at either end.
        layout: the content of the lines, their folders, and the compression.
    """

    routing = None

    def __init__(
        self,
        store: Store,
        *,
        transformer_type: str,
        key: str,
        prefix: str = "",
        layout: Layout = STATEMENTS,
    ) -> None:
        self._store = store
        self._transformer_type = transformer_type
        self._key = key
        self._folder = PurePosixPath(prefix)
        self._layout = layout
        self._outputs: list[Output] = []

    def check(self) -> None:
        """Write a probe and delete it; read the manifest of earlier runs, if there is one."""
        self._store.check(self._path(output_name(self._transformer_type, _PROBE_KEY, 0)))
        try:
            earlier_runs(self._store.read(self._path(MANIFEST)), self._path(MANIFEST))
        except DestinationUnavailable as error:
            raise ConfigurationError(
                error.message, operation=error.operation, object=error.object, hint=error.hint
            ) from error

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Add the outputs of an interrupted run to the manifest, and remove partial files that it has left."""
        self._outputs = [output for acknowledgement in acknowledgements for output in acknowledgement["outputs"]]
        for name in (self._name(len(self._outputs)), MANIFEST):
            self._store.clean(self._path(name))

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Write the batch as one file for each folder. A batch without statements gives no file."""
        folders: dict[str, list[Line]] = {}
        refusals: dict[int, Refusal] = {}
        count = 0
        for event in batch:
            for statement in event.statements:
                try:
                    folder = folders.setdefault(self._layout.folder(statement), [])
                    folder.append(Line(event.position, self._layout.line(statement)))
                except UnstorableStatement as error:
                    refusals[count] = Refusal(
                        event.position, event.name, statement.id, str(error), "files", text=statement.text
                    )
                count += 1
        written: list[Output] = []
        for folder_name, lines in sorted(folders.items()):
            if lines:
                name = str(PurePosixPath(folder_name) / self._name(len(self._outputs) + len(written)))
                written.append(self._write(name, lines))
        self._outputs += written
        return Delivery(
            delivered=count - len(refusals),
            failed=len(refusals),
            failures=sorted({refusal.reason for refusal in refusals.values()}),
            outcomes=["failed" if number in refusals else "delivered" for number in range(count)] if refusals else (),
            acknowledgement={"outputs": written} if written else None,
            refusals=list(refusals.values()),
        )

    def close(self, *, complete: bool) -> None:
        """Write the manifest, if the run is complete and has written a file."""
        if not complete or not self._outputs:
            return
        path = self._path(MANIFEST)
        runs = earlier_runs(self._store.read(path), path)
        run = run_entry(self._key, self._transformer_type, self._layout.compression, self._outputs)
        with self._store.replacing(path) as file:
            file.write(merged(runs, run))

    def _write(self, name: str, lines: Sequence[Line]) -> Output:
        with self._store.replacing(self._path(name)) as file:
            tally = Tally(file)
            with compressed(tally, self._layout.compression) as content:
                for line in lines:
                    content.write(line.text)
        return Output(
            name=name,
            events=len({line.position for line in lines}),
            statements=len(lines),
            bytes=tally.size_bytes,
            sha256=tally.sha256,
            first=position_entry(lines[0].position),
            last=position_entry(lines[-1].position),
        )

    def _name(self, index: int) -> str:
        return output_name(self._transformer_type, self._key, index, SUFFIXES[self._layout.compression])

    def _path(self, name: str) -> str:
        return str(self._folder / name)


def open_files(
    provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> FileSink:
    """Open the file sink of ``LOCAL`` or of another libcloud provider.

    Raises:
        ConfigurationError: the provider is unknown, or the configuration is not valid.
    """
    if lrs_urls:
        raise ConfigurationError(f"--lrs_urls has no effect on {provider}")
    return file_sink(provider, config, transformer_type=transformer_type, key=key)


def file_sink(
    provider: str,
    config: Mapping[str, Any],
    *,
    transformer_type: str,
    key: str,
    retry_policy: RetryPolicy | None = None,
) -> FileSink:
    """Return the file sink of a provider.

    Args:
        provider: ``LOCAL`` or another libcloud provider.
        config: ``container``, ``prefix``, ``compression``, ``format``, ``layout``, and the provider's own options.
        transformer_type: ``xapi`` or ``caliper``.
        key: the run's key.
        retry_policy: replaces the default one.

    Raises:
        ConfigurationError: the provider is unknown, or the configuration is not valid.
    """
    options = dict(config)
    name = _string(options, "layout") or "plain"
    output_format = _string(options, "format") or ("rows" if name == "aspects" else "statements")
    compression = options.pop("compression", "zstd" if name == "aspects" else None)
    if not isinstance(compression, str | None) or compression not in SUFFIXES:
        raise ConfigurationError(f"unknown compression {compression!r}", hint="gzip or zstd")
    layout = read_layout(output_format, name, transformer_type=transformer_type, compression=compression)
    store, prefix = _open_store(provider, options, retry_policy)
    if {".", ".."} & set(prefix.split("/")) or "\0" in prefix:
        raise ConfigurationError(f"the prefix {prefix!r} is not a valid path")
    return FileSink(store, transformer_type=transformer_type, key=key, prefix=prefix.strip("/"), layout=layout)


def _string(options: dict[str, Any], name: str) -> str:
    value = options.pop(name, None) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"the {name} of the destination is not a string")
    return value


def _open_store(provider: str, config: Mapping[str, Any], retry_policy: RetryPolicy | None) -> tuple[Store, str]:
    """Return the container of a configuration, and the prefix."""
    if provider == "LOCAL":
        location = Location.parse(config, "destination")
        return Folder(local_folder(location, "destination")), location.prefix
    # libcloud is slow to import, and LOCAL does not need it.
    from log_replay.sinks.files.bucket import READ_TIMEOUT_SECONDS, Bucket  # noqa: PLC0415
    from log_replay.storage.drivers import open_driver  # noqa: PLC0415

    driver, location = open_driver(provider, config, side="destination", read_timeout_seconds=READ_TIMEOUT_SECONDS)
    return Bucket(driver, location.container, provider=provider, retry_policy=retry_policy), location.prefix
