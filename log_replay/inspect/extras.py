"""What the options ``--sample`` and ``--html`` add to a dry run and to its report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from log_replay.inspect.page import check_page_library, render_page
from log_replay.inspect.page.examples import ExampleCollector
from log_replay.inspect.sampling.extrapolation import SampleFigures
from log_replay.inspect.sampling.source import SampledSource
from log_replay.report.summary_file import write_report
from log_replay.sources import open_source

if TYPE_CHECKING:
    from log_replay.inspect import BlockObserver
    from log_replay.options import Options


class ReportExtras:
    """The sample and the page of one dry run.

    Args:
        options: the configuration of the run.
        seed: the seed of the random choice of a sample.

    Attributes:
        source: the source of the sample, None if the run has none.
        observers: what must see the run.

    Raises:
        ConfigurationError: the page needs a package that is not installed.
    """

    def __init__(self, options: Options, seed: int = 0) -> None:
        if options.html:
            check_page_library()
        self._options = options
        self._open_source = partial(
            open_source, options.source.provider, options.source.config, skip_unreadable=options.skip_unreadable
        )
        self.source = SampledSource(self._open_source, seed) if options.sample else None
        self._figures = SampleFigures(self.source) if self.source else None
        self._examples = ExampleCollector() if options.html else None
        self.observers: list[BlockObserver] = [found for found in (self._figures, self._examples) if found]

    def extrapolate(self, document: dict[str, Any]) -> None:
        """Extrapolate the figures of a sample to the whole log."""
        if self._figures:
            self._figures.extrapolate(document)

    def write_page(self, document: dict[str, Any]) -> None:
        """Write the page, if the run has one."""
        if self._options.html is None or self._examples is None:
            return
        examples = self._examples.examples(
            self._open_source(), document["statements"]["by_event"], with_content=self._options.with_content
        )
        write_report(self._options.html, render_page(document, examples).encode())
