"""Privacy: what citizens may ask about their data (what is kept, a copy, erasure, withdrawal), and how long anything is kept at all.

In: requests from the chat or the counter, and the daily sweep. Out: an export document, rows without their persons, rows that are gone.
"""
