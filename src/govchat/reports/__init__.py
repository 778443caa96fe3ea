"""Reports: figures over what other rooms keep, so small numbers that they tell of no person.

In: a province and a period. Out: rows for `/v1/reports` and the command line.
"""
