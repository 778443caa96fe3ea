"""Incidents: what is wrong with a province's service and who must do what, opened once, updated while it lasts, closed when it heals.

Whatever notices a fault opens one, whatever notices its end heals it, in their own transactions; the checklist, the metrics and the
audit trail tell of them.
"""
