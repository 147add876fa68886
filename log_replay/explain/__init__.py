"""Explain one line of a log: step by step, what becomes of it, by which code, and where and why it ends.

The verdict is that of a run: the line is transformed by the same code. The steps say how it came about. Nothing is
written, sent or logged, and no external id is created.
"""
