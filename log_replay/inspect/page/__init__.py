"""The report of a dry run as one page of HTML, which opens without a network."""

from log_replay.inspect.page.render import check_page_library, render_page

__all__ = ["check_page_library", "render_page"]
