"""Sampling: which blocks of a large log to look at, how to read them, and what they tell about the whole log."""
