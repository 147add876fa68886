"""``log-replay`` in a process of its own that says how much memory it took."""

#: For ``python -c``: its last line on stderr is ``rss_kb=N``.
RUNNER = """
import sys
from log_replay.management.main import main
try:
    main()
finally:
    # Not ru_maxrss, which begins with what the parent process had.
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    sys.stderr.write(f"\\nrss_kb={peak}\\n")
"""
