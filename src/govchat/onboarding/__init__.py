"""A province on its way to going live: the checklist of what is there, what is missing and who must do what.

Facts come from the rooms below, from Zalo's own answer about the Official Account, and from what people confirm; out go lines in green,
amber or red, and the decision whether the province may go live.
"""
