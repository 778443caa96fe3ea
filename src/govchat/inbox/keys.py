"""The keys by which answers are put once."""

from uuid import UUID


def reply_key(event_id: UUID, number: int) -> str:
    """The dedupe key of an event's answer."""
    return f"reply:{event_id}:{number}"
