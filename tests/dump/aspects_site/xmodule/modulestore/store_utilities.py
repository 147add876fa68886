"""What edx-platform says of block types."""

DETACHED_XBLOCK_TYPES = {"about", "course_info", "static_tab"}
