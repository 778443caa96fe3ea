"""The checklist of one province: the ground read once, every line judged on it, in the order in which a province works through them."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.inbox.models import InboxEventRow
from govchat.kit import clock
from govchat.onboarding import console, province
from govchat.onboarding.line import Account, Colour, Confirmation, Events, Ground, Judge, Line
from govchat.onboarding.models import ConfirmationRow, FactRow
from govchat.outbox.models import OutboxAttemptRow, OutboxMessageRow
from govchat.procedures.book import View
from govchat.settings import Settings
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.registry import Tenant
from govchat.tenants.signatures import RECOVERED, is_signed
from govchat.tenants.tokens import credential_state

# A new line is a function and its place here.
LINES: tuple[Judge, ...] = (
    console.secrets,
    console.app,
    console.api,
    console.domain,
    console.callback,
    console.permissions,
    console.consent,
    console.link,
    province.events,
    province.signature,
    console.package,
    console.zbs,
    province.templates,
    province.catalogue,
    province.one_stop,
    province.promise,
    province.quiet_hours,
    province.data_record,
    province.testers,
    province.incidents,
)

ACCOUNT = "account"
EVENTS_LOOKED_AT = 500
REFUSALS_COUNT_FOR = timedelta(days=1)
# Attempts are found by the age of their message, whose id begins with the time; nothing waits longer than this for its last try.
OLDEST_MESSAGE = timedelta(days=4)


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """How a province stands. `red` holds the keys of the red lines: while there is one, it can't go live."""

    slug: str
    name: str
    state: str
    env: str
    checked_at: datetime
    green: int
    amber: int
    red: list[str]
    lines: list[Line]


async def read(session: AsyncSession, settings: Settings, tenant: Tenant, catalogue: View) -> Checklist:
    """Judge every line now, in one transaction of the tenant; nothing outside is asked (`ask` does that before)."""
    ground = await ground_of(session, settings, tenant, catalogue)
    lines = [await judge(session, ground) for judge in LINES]
    of = {colour: [line.key for line in lines if line.colour is colour] for colour in Colour}
    return Checklist(
        slug=tenant.slug,
        name=tenant.full_name,
        state=tenant.state,
        env=settings.env,
        checked_at=ground.now,
        green=len(of[Colour.GREEN]),
        amber=len(of[Colour.AMBER]),
        red=of[Colour.RED],
        lines=lines,
    )


async def ground_of(session: AsyncSession, settings: Settings, tenant: Tenant, catalogue: View) -> Ground:
    """The facts that several lines need."""
    now = clock.now()
    credential = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), populate_existing=True)
    confirmations = await session.scalars(select(ConfirmationRow).where(ConfirmationRow.tenant_id == tenant.id))
    fact = await session.get(FactRow, (tenant.id, ACCOUNT), populate_existing=True)
    return Ground(
        tenant=tenant,
        catalogue=catalogue,
        now=now,
        is_production=settings.is_production,
        public_url=settings.public_url.rstrip("/"),
        credential=credential_state(credential, now),
        consented_app=None if credential is None else credential.app_id,
        holds_token=credential is not None and credential.access_token_sealed is not None,
        account=None if fact is None else msgspec.convert(fact.value, Account),
        events=await _events(session, tenant.id),
        has_sent=bool(
            await session.scalar(
                select(
                    select(OutboxMessageRow.id)
                    .where(OutboxMessageRow.tenant_id == tenant.id, OutboxMessageRow.zalo_message_id.is_not(None))
                    .exists()
                )
            )
        ),
        confirmations={row.line: Confirmation(row.line, row.by, row.note, row.at) for row in confirmations},
        refusals=await _refusals(session, tenant.id, now),
    )


async def _events(session: AsyncSession, tenant_id: UUID) -> Events:
    """The newest events; an older outage must not stand against a province for ever."""
    newest = (
        select(InboxEventRow.id, InboxEventRow.signature)
        .where(InboxEventRow.tenant_id == tenant_id, InboxEventRow.signature != RECOVERED)
        .order_by(InboxEventRow.id.desc())
        .limit(EVENTS_LOOKED_AT)
        .subquery()
    )
    counted = {
        row.signature: row.times
        for row in await session.execute(
            select(newest.c.signature, func.count().label("times")).group_by(newest.c.signature)
        )
    }
    last = await session.scalar(
        select(InboxEventRow)
        .where(InboxEventRow.tenant_id == tenant_id, InboxEventRow.signature != RECOVERED)
        .order_by(InboxEventRow.id.desc())
        .limit(1)
    )
    variants = {variant: times for variant, times in counted.items() if is_signed(variant)}
    return Events(
        last_at=None if last is None else last.received_at,
        last_name="" if last is None else last.event_name,
        signed=sum(variants.values()),
        unsigned=sum(counted.values()) - sum(variants.values()),
        variants=tuple(sorted(variants)),
        reasons=tuple(sorted({variant.partition(":")[0] for variant in counted if variant not in variants})),
    )


async def _refusals(session: AsyncSession, tenant_id: UUID, now: datetime) -> dict[int, datetime]:
    """Codes that need a person, of the last day and not followed by a success, with their last time."""
    attempt = OutboxAttemptRow
    recent = (
        attempt.tenant_id == tenant_id,
        attempt.message_id >= _first_id(now - OLDEST_MESSAGE),
        attempt.started_at > now - REFUSALS_COUNT_FOR,
    )
    sent = select(func.max(attempt.started_at)).where(*recent, attempt.outcome == "sent").scalar_subquery()
    rows = await session.execute(
        select(attempt.zalo_code, func.max(attempt.started_at))
        .where(*recent, attempt.kind == "human", attempt.zalo_code.is_not(None))
        .group_by(attempt.zalo_code)
        .having(func.max(attempt.started_at) > func.coalesce(sent, now - REFUSALS_COUNT_FOR))
    )
    return {code: at for code, at in rows if code is not None}


def _first_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
