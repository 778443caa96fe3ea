"""What OAs have published: articles by id and by token, and the broadcasts that took them to followers."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Article:
    """`ready_at` is Unix seconds: until then only the token is known."""

    id: str
    oa_id: str
    token: str
    title: str
    description: str
    shown: bool
    ready_at: float


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One accepted broadcast: which articles went to how many followers."""

    id: str
    oa_id: str
    articles: tuple[str, ...]
    followers: int
    at: int


@dataclass(slots=True)
class Articles:
    """All articles and broadcasts. `seconds`: how long making one takes. `left`: how many may still be made, None: any number."""

    seconds: float = 0.5
    left: int | None = None
    by_id: dict[str, Article] = field(default_factory=dict)
    by_token: dict[str, Article] = field(default_factory=dict)
    broadcasts: list[Broadcast] = field(default_factory=list)
