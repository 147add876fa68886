"""Django database backend: SQLite that refuses every statement which could write, and records the attempt."""
