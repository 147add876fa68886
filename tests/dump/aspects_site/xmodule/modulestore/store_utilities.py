"""A constant of edx-platform: the block types outside the course tree."""

DETACHED_XBLOCK_TYPES = {"about", "course_info", "static_tab"}
