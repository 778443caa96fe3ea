"""Ratings: what citizens say of how their dossier was handled, one per dossier.

In: an invitation after the result, taps and a few words. Out: an alert to the office when it was poor, and rows that `reports` adds up.
"""
