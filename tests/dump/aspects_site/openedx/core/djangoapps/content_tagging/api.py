"""The tagging API of edx-platform."""

from openedx_tagging.api import get_object_tags

__all__ = ["get_object_tags"]
