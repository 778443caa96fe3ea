"""Offices: where an authority sits and when it is open, read from the province's manifest and the dated calendar.

Pure: a manifest and a day in, an `Opening` with its reason out. Nothing is stored here.
"""
