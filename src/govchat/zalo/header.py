"""What every event offers: its name, whose it is, when it happened, and the key by which a second delivery is known."""

from datetime import datetime

import msgspec

from govchat.zalo.parse import moment


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What routing needs to know of any event.

    `oa_id` and `user_id` are by direction: the person is the citizen as this OA knows them, None for anonymous visitors, for
    receipts of messages by telephone number and for events about no single person. `timestamp` is in milliseconds.
    """

    event_name: str
    app_id: str | None = None
    oa_id: str | None = None
    user_id: str | None = None
    user_id_by_app: str | None = None
    timestamp: str | None = None
    dedupe_key: str

    @property
    def occurred_at(self) -> datetime | None:
        """The moment Zalo names, aware in UTC; None when it is missing or no time."""
        return moment(self.timestamp)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.event_name!r} of OA {self.oa_id}>"


class Event(Header, frozen=True, kw_only=True):
    """Any event; the subclasses say what else it tells."""


class Unknown(Event, frozen=True, kw_only=True):
    """An event without a struct of ours, or one with a field we can't read: then `problem` names the field."""

    problem: str | None = None
