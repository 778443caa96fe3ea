"""The dress rehearsal (diễn tập) of one province: its whole story against the false Zalo, in a scratch database that is dropped afterwards.

A manifest comes in; a one-page report with a clock per step goes out. The real province's data and credentials are never opened.
"""
