"""What is in the logs and not in a table, and the other way round.

logs -> the ids of their statements, in a temporary table -> compared with the table's, a day at a time -> gaps -> shown
"""
