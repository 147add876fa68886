"""SQL over what runs have written: the embedded ClickHouse, or files, read in place."""
