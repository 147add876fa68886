"""Inspection: what is in the logs, what would come out of them, what would not, and how long that would take."""
