"""A pipeline step for OPEN_EDX_FILTERS_CONFIG, as an operator would configure it."""

from openedx_filters import PipelineStep


class AnonymousActor(PipelineStep):
    """Replaces the names of all actors' accounts."""

    def run_filter(self, transformer, result):
        result.account.name = "anonymous"
        return {"result": result}
