"""Receipts (phiếu theo dõi hồ sơ): the QR code that a counter prints, and the page that a camera opens from it.

In: a request of the one-stop system for a dossier's receipt, and a citizen's camera on `/q/{token}`. Out: SVG, PNG and a sheet of A5 as
PDF; a page with status, unit and dates and nothing personal. Kept here: which token stands for which dossier, and which were revoked.
"""
