"""Who talks with an OA and what was said: test citizens, one `Person` per citizen and OA, one `Message` per bubble.

The same citizen has another id in every OA (Zalo's OA-scoped `user_id`) and one id per app (`user_id_by_app`). Both are drawn from
the citizen's name by hashing, so they are the same in every life of the simulator.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DAY = 86_400.0
KEPT_PER_PERSON = 200


@dataclass(frozen=True, slots=True)
class Citizen:
    """A made-up person one can be on the phone page. `phone` is in Zalo's form, 84 and nine digits."""

    key: str
    name: str
    phone: str
    address: str
    colour: str


CITIZENS: tuple[Citizen, ...] = (
    Citizen("hien", "Trịnh Thị Phương Hiền", "84912345678", "12 đường Hùng Vương", "#0d7a5f"),
    Citizen("binh", "Nguyễn Văn Bình", "84903000102", "Thôn Đông, xã An Bình", "#2f5fd0"),
    Citizen("mai", "Lò Thị Mai", "84353000103", "Bản Nà Cóc", "#a23b72"),
    Citizen("dam", "Y Đăm Êban", "84773000104", "Buôn Alê A", "#b3541e"),
    Citizen("son", "Thạch Sơn", "84563000105", "Ấp Bà Mi", "#6b4fbb"),
    Citizen("hoa", "Phạm Quỳnh Hoa", "84983000106", "Khu phố 4, phường Trung Tâm", "#8a6d00"),
)


def long_id(*parts: str) -> str:
    """An id as Zalo's: a string of 19 digits, beyond 2^53, always the same for the same parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return str(10**18 + int.from_bytes(digest[:8]) % (8 * 10**18))


@dataclass(slots=True)
class Message:
    """One bubble. `outgoing`: the OA said it. `at` is Unix milliseconds; `payload` is what the phone draws besides the text."""

    id: str
    oa_id: str
    user_id: str
    outgoing: bool
    kind: str
    text: str
    at: int
    payload: Mapping[str, Any] | None = None
    seen: bool = False

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "oa_id": self.oa_id,
            "user_id": self.user_id,
            "from": "oa" if self.outgoing else "user",
            "kind": self.kind,
            "text": self.text,
            "at": self.at,
            "payload": self.payload,
            "seen": self.seen,
        }


@dataclass(slots=True)
class Person:
    """A citizen as one OA knows them. `last_interaction` is Unix seconds, None: never did anything."""

    oa_id: str
    user_id: str
    by_app: str
    name: str = ""
    phone: str = ""
    follows: bool = False
    unfollowed: bool = False
    blocked: bool = False
    banned: bool = False
    last_interaction: float | None = None
    asked_at: float | None = (
        None  # when the last unanswered question was asked: the reply's latency is counted from here
    )
    acted: bool = False  # did something by themselves, so worth keeping over a restart; seeded followers are not
    alias: str = ""
    notes: str = ""
    tags: list[str] = field(default_factory=list)
    shared: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    spoken: int = 0  # bubbles ever, both ways
    mark: int = 0  # `spoken` when they last did something: what came after is the OA's answer

    @property
    def display_name(self) -> str:
        return self.name or f"Công dân {self.user_id[-6:]}"

    def interact(self, now: float) -> None:
        """Something that opens the window: a follow, a message, a tap on a query button."""
        self.last_interaction = now
        self.acted = True
        self.unfollowed = False
        self.mark = self.spoken

    def answers(self) -> list[Message]:
        """What the OA said since this person last did something."""
        fresh = self.spoken - self.mark
        return [message for message in self.messages[-fresh:] if message.outgoing] if fresh else []

    def keep(self, message: Message) -> None:
        self.messages.append(message)
        self.spoken += 1
        if len(self.messages) > KEPT_PER_PERSON:
            del self.messages[0]
