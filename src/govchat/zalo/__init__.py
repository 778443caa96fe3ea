"""A pure client of the Zalo Official Account platform.

No database, no framework, no queue: bytes and structs in, bytes and structs out. What it covers and what Zalo leaves
uncertain stands in docs/zalo.md; the simulator is written from the same facts and shares no code with this room.
"""
