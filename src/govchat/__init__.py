"""govchat: the backend on which Vietnam's provinces talk with their citizens over Zalo.

Rooms are packages named for what they keep, laid out in the order a citizen's message travels:
webhook → inbox → conversation → outbox → sender. docs/architecture.md is the map.
"""
