"""Transform events into xAPI statements natively."""
