"""For how long what is kept, and the daily sweep that lets go of it: a batch a transaction, so many a run, nothing pending.

Rules are dated data (`data/retention.toml`), changed by a province within what a dispute or a late receipt needs. Ids are UUIDv7 and
sort by time, so that a batch reads its rows from the old end of the primary key and needs no index of its own.
"""

import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.privacy.models import RetentionRunRow, RetentionSettingRow
from govchat.privacy.sweeps import SWEEPS
from govchat.tenants.registry import Registry

log = structlog.get_logger()

BATCH, MOST = 1_000, 50_000
# What a clock of ours may be off by.
SLACK = timedelta(hours=1)


class RetentionInvalid(DomainError):
    """A time to keep something that can't be."""

    status = 422
    code = "retention_invalid"
    title = "That can't be kept for so long"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: `days` after it was over, never fewer than `least`; `tables` are those that it empties."""

    what: str
    from_: date = msgspec.field(name="from")
    days: int
    least: int
    tables: tuple[str, ...]
    why: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kept: tuple[Kept, ...]
    stays: dict[str, str]


class Swept(msgspec.Struct, frozen=True):
    """What a run let go of one kind; `more` when it stopped at its bound."""

    what: str
    days: int
    gone: int
    more: bool


async def sweep(
    registry: Registry, tenant_id: UUID, *, now: datetime | None = None, batch: int = BATCH, most: int = MOST
) -> list[Swept]:
    """Let go of what is past its time, at most `most` rows of each kind; answers what went. Meant for once a day; safe to repeat."""
    at = now or clock.now()
    async with registry.db.tenant(tenant_id) as session:
        days = await days_of(session, tenant_id, at)
    swept = [await _sweep_one(registry, tenant_id, what, days[what], at, batch, most) for what in SWEEPS]
    for one in swept:
        if one.gone:
            slug = registry.now.tenants[tenant_id].slug
            log.info("retention.swept", tenant=slug, what=one.what, gone=one.gone, more=one.more)
    return swept


async def days_of(session: AsyncSession, tenant_id: UUID, at: datetime | None = None) -> dict[str, int]:
    """For how many days this province keeps each kind."""
    day = (at or clock.now()).astimezone(VN).date()
    own = await session.scalars(select(RetentionSettingRow).where(RetentionSettingRow.tenant_id == tenant_id))
    given = {row.what: row.days for row in own}
    # The newest rule's floor holds even for a setting made before it.
    return {what: max(given.get(what, rule.days), rule.least) for what, rule in rules_on(day).items()}


async def settle(session: AsyncSession, tenant_id: UUID, what: str, days: int, *, actor: str) -> None:
    """Keep one kind for so many days from now on; raises `RetentionInvalid`."""
    rule = rules_on(clock.now().astimezone(VN).date()).get(what)
    if rule is None:
        raise RetentionInvalid(f'"{what}": expected one of {", ".join(SWEEPS)}')
    if not rule.least <= days <= 36_500:
        raise RetentionInvalid(f"{what} {days} days: expected {rule.least} to 36500")
    values = {"days": days, "set_by": actor, "set_at": clock.now()}
    made = insert(RetentionSettingRow).values(tenant_id=tenant_id, what=what, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id", "what"], set_=values))
    await note(session, tenant_id, actor=actor, act="retention.set", subject=what, after={"days": days})


def rules_on(day: date) -> dict[str, Kept]:
    """The newest rule of each kind on that day."""
    held = sorted((one for one in table().kept if one.from_ <= day), key=lambda one: one.from_)
    return {one.what: one for one in held}


@cache
def table() -> _Table:
    """The product's table, with the tables that no rule empties."""
    raw = (files("govchat.privacy") / "data" / "retention.toml").read_bytes()
    return msgspec.convert(tomllib.loads(raw.decode()), _Table)


async def _sweep_one(
    registry: Registry, tenant_id: UUID, what: str, days: int, at: datetime, batch: int, most: int
) -> Swept:
    before = at - timedelta(days=days)
    given = {"tenant": tenant_id, "before": before, "floor": _floor(before + SLACK), "now": at}
    statement = text(SWEEPS[what])
    names = statement.compile().params
    bound = {name: value for name, value in given.items() if name in names}
    gone, more = 0, True
    while more and gone < most:
        size = min(batch, most - gone)
        async with registry.db.tenant(tenant_id) as session:
            found = len((await session.execute(statement, {**bound, "batch": size})).all())
        gone, more = gone + found, found == size
    async with registry.db.tenant(tenant_id) as session:
        values = {"ran_at": at, "gone": gone, "more": more}
        made = insert(RetentionRunRow).values(tenant_id=tenant_id, what=what, **values)
        await session.execute(made.on_conflict_do_update(index_elements=["tenant_id", "what"], set_=values))
    return Swept(what, days, gone, more)


def _floor(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: whatever was made before it is smaller."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80)
