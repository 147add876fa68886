"""Access to ClickHouse, as a server or embedded: connections, Aspects' tables, rows, and the meaning of errors."""
