"""Statements as files: JSON lines, one object a batch and folder, at any provider of libcloud's."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.clickhouse.rows import UnstorableStatement
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import ALL_ROUTES, Delivery, Refusal
from log_replay.sinks.files.compression import SUFFIXES, Tally, compressed
from log_replay.sinks.files.layouts import STATEMENTS, shape
from log_replay.sinks.files.manifest import MANIFEST, Output, earlier_runs, merged, place, run_entry
from log_replay.storage.output_names import output_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.records import EventFields, Position, TransformedEvent
    from log_replay.sinks.files.layouts import Shape
    from log_replay.sinks.files.store import Store

#: No run has this key: what is written under it is a probe, and sources skip it as they skip outputs.
_PROBE_KEY = "0" * 12


class Line(NamedTuple):
    """One line of an output, and the position of the event it comes from."""

    position: Position
    text: bytes


class FileSink:
    """Writes each batch as one object, or as one for each of several folders, then the manifest.

    An object's name and bytes follow from the run's key, the batches and the compression alone, so that a repeat of a
    run overwrites its outputs with the same bytes, and no other run's.

    Args:
        store: where the objects go.
        transformer_type: ``xapi`` or ``caliper``.
        key: twelve hexadecimal digits, the digest of what determines the run's output.
        prefix: the folder of the outputs, without slashes around it.
        shape: what the lines hold, where they go, and how they are compressed.
    """

    def __init__(
        self,
        store: Store,
        *,
        transformer_type: str,
        key: str,
        prefix: str = "",
        shape: Shape = STATEMENTS,
    ) -> None:
        self._store = store
        self._transformer_type = transformer_type
        self._key = key
        self._folder = PurePosixPath(prefix)
        self._shape = shape
        self._outputs: list[Output] = []

    def check(self) -> None:
        """Write a probe and take it away again; read the manifest of earlier runs, if there is one."""
        self._store.check(self._path(output_name(self._transformer_type, _PROBE_KEY, 0)))
        try:
            earlier_runs(self._store.read(self._path(MANIFEST)), self._path(MANIFEST))
        except DestinationUnavailable as error:
            raise ConfigurationError(
                error.message, operation=error.operation, object=error.object, hint=error.hint
            ) from error

    def routes(self, fields: EventFields) -> int:  # noqa: ARG002 - files hold every statement, as upstream's do
        """Want everything."""
        return ALL_ROUTES

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Know the outputs there are, and take away what an interrupted one left."""
        self._outputs = [output for acknowledgement in acknowledgements for output in acknowledgement["outputs"]]
        for name in (self._name(len(self._outputs)), MANIFEST):
            self._store.clean(self._path(name))

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Write the batch as one object a folder; a batch without statements as none."""
        folders: dict[str, list[Line]] = {}
        refusals: dict[int, Refusal] = {}
        count = 0
        for event in batch:
            for statement in event.statements:
                try:
                    folder = folders.setdefault(self._shape.folder(statement), [])
                    folder.append(Line(event.position, self._shape.line(statement)))
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
        """Write the manifest of a complete run that wrote anything; the outputs of any other stay without one."""
        if not complete or not self._outputs:
            return
        path = self._path(MANIFEST)
        runs = earlier_runs(self._store.read(path), path)
        run = run_entry(self._key, self._transformer_type, self._shape.compression, self._outputs)
        with self._store.replacing(path) as file:
            file.write(merged(runs, run))

    def _write(self, name: str, lines: Sequence[Line]) -> Output:
        with self._store.replacing(self._path(name)) as file:
            tally = Tally(file)
            with compressed(tally, self._shape.compression) as content:
                for line in lines:
                    content.write(line.text)
        return Output(
            name=name,
            events=len({line.position for line in lines}),
            statements=len(lines),
            bytes=tally.size_bytes,
            sha256=tally.sha256,
            first=place(lines[0].position),
            last=place(lines[-1].position),
        )

    def _name(self, index: int) -> str:
        return output_name(self._transformer_type, self._key, index, SUFFIXES[self._shape.compression])

    def _path(self, name: str) -> str:
        return str(self._folder / name)


def open_files(
    provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> FileSink:
    """Open the sink of ``LOCAL`` or of another libcloud provider.

    ``config`` also takes ``compression``, ``format`` and ``layout``.

    Raises:
        ConfigurationError: an unknown provider, or a configuration that cannot be right.
    """
    if lrs_urls:
        raise ConfigurationError(f"--lrs_urls means nothing to {provider}", operation="open the destination")
    own = dict(config)
    container, prefix = _text(own, "container"), _text(own, "prefix").strip("/")
    layout = _text(own, "layout") or "plain"
    output_format = _text(own, "format") or ("rows" if layout == "aspects" else "statements")
    compression = own.pop("compression", "zstd" if layout == "aspects" else None)
    if {".", ".."} & set(prefix.split("/")) or "\0" in prefix:
        raise ConfigurationError(f"the prefix {prefix!r} is no path", operation="open the destination")
    if not isinstance(compression, str | None) or compression not in SUFFIXES:
        raise ConfigurationError(
            f"unknown compression {compression!r}", operation="open the destination", hint="gzip or zstd"
        )
    written = shape(output_format, layout, transformer_type=transformer_type, compression=compression)
    store = _store(provider, own, container)
    if not container:
        raise ConfigurationError("the destination needs a container", operation="open the destination")
    return FileSink(store, transformer_type=transformer_type, key=key, prefix=prefix, shape=written)


def _text(config: dict[str, Any], name: str) -> str:
    value = config.pop(name, None) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"the destination's {name} is no string", operation="open the destination")
    return value


def _store(provider: str, config: Mapping[str, Any], container: str) -> Store:
    # libcloud takes long to import: only where it is used.
    if provider == "LOCAL":
        from log_replay.sinks.files.folder import Folder  # noqa: PLC0415

        return Folder(config, container)
    from log_replay.sinks.files.bucket import Bucket  # noqa: PLC0415

    return Bucket(provider, config, container)
