"""What one thing that is kept about a citizen looks like in an export, and who the citizen is to the rooms."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.crypto import TenantVault

Fact = str | int | float | bool | None | datetime | list[str]


class Who(Struct, frozen=True):
    """A citizen as this Official Account knows them."""

    citizen_id: UUID
    zalo_user_id: str


class Item(Struct, frozen=True):
    """One thing: when, and its facts by name."""

    at: datetime | None
    facts: dict[str, Fact]


# (session, vault, tenant, who) → what is kept
KeptAbout = Callable[[AsyncSession, TenantVault, UUID, Who], Awaitable[list[Item]]]
# (session, tenant, who) → what the step waits for; empty when it is through
Erase = Callable[[AsyncSession, UUID, Who], Awaitable[Sequence[str]]]


class Part(Struct, frozen=True):
    """One kind of data about a citizen: the tables it stands in, how it is read and how it is erased.

    `erase` None: it goes with another part, or stays as proof; `stays` says so to whoever reads the export.
    """

    name: str
    tables: tuple[str, ...]
    kept_about: KeptAbout
    erase: Erase | None
    stays: str | None = None
