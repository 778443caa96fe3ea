"""The flows: tables from (where the conversation stands, what was heard) to a pure step.

`front` greets, helps and says what can't be done; `lookup` finds dossiers; `dossier` reads an answer aloud.
"""
