"""xAPI statements, made directly of events."""
