"""A step that an operator might put into OPEN_EDX_FILTERS_CONFIG."""

from openedx_filters import PipelineStep


class AnonymousActor(PipelineStep):
    """Calls everybody somebody."""

    def run_filter(self, transformer, result):
        result.account.name = "somebody"
        return {"result": result}
