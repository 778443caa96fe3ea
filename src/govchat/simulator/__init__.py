"""A false Zalo: OAuth, sends, uploads, windows, limits, faults, signed webhooks and a phone to click.

Written from the fact sheet, sharing no code with `zalo/`, and strict: what Zalo would refuse, it refuses. Used by tests,
development, rehearsal and load tests alike.
"""
