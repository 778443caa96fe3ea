"""Words waiting to be said: rows with final ids, priorities and dedupe keys.

Rooms above put messages here in the transaction of their cause; the sender claims them.
"""
