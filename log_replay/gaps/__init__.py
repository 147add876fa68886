"""Compare the statements of the logs with those of a ClickHouse table.

A run inserts the ids of the logs' statements into a temporary table. The comparison with the other table goes day by
day. The result is shown as a table, as JSON and as an HTML report.
"""
