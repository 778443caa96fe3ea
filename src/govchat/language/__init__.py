"""How Vietnamese is understood as people type it: from a message to its intent, the procedures meant, and what was in it.

In come a text and a book (rules, synonyms and procedure names); out goes a `Reading` with every step that led to it. The rules are
TOML files in `rules/`. No database, no tenant, no network: the same text and book give the same reading every time.
"""
