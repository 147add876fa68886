"""Read-only SQL over the statements that runs have written: the embedded ClickHouse, or files."""
