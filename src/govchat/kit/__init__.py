"""Helpers that know no domain.

Clock, ids, Vietnamese text folding, sealed secrets, working days, rate buckets and the one door to arq (`queue`).
Every room may use them; they import nothing of the house but settings and errors.
"""
