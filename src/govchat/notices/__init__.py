"""One fact to some citizens, politely: who follows a dossier, what is said of a change, on which channel, and what became of it.

Changes come in from the dossiers, words go out into the outbox, each with the record of why it was said, when and where. Above the outbox,
below procedures and dossiers.
"""
