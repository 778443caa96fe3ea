"""The keeper's round over all provinces: tokens renewed before they end, webhooks watched, missed messages taken up, alarms raised.

Called every few minutes by any number of workers. Renewals go through the lease of `credentials`, looks at Zalo's lists are claimed in
the province's row: two rounds at once do everything once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from govchat.connect import rhythm
from govchat.connect.backfill import OVERLAP, Compared, Hands, compare
from govchat.connect.destroy import end_what_waits
from govchat.connect.models import WebhookWatchRow
from govchat.errors import DomainError
from govchat.incidents.models import Kind
from govchat.incidents.record import heal, open_
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.reconsent import trouble
from govchat.tenants.registry import Tenant
from govchat.zalo.errors import ZaloError

log = structlog.get_logger()

# An access token lives 25 hours: five before its end leave time for a long outage of Zalo's OAuth host.
BEFORE = timedelta(hours=5)
# Provinces that nobody talks with yet keep their three-month refresh token alive by this.
AT_LEAST = timedelta(days=7)
ALARM_BEFORE = timedelta(hours=1)
# Not all provinces in the same minute.
MOST_SPREAD = timedelta(hours=1)
LOOK_EVERY = timedelta(minutes=15)
# Where nobody has written for a day, nothing is wrong and little can be missed.
LOOK_WHEN_QUIET, QUIET_AFTER = timedelta(hours=1), timedelta(days=1)
LOOK_AGAIN = timedelta(minutes=1)
# A round over all provinces, as after an installation's first start, leaves the processor to those who wait for answers: after each act a
# place rests so many times as long as it took, but not long, as an act that takes long mostly waits for Zalo.
PARALLEL, REST_BESIDE, LONGEST_REST_S = 6, 2.0, 0.1

# Those whose tokens or webhook may need something now, in one round trip.
DUE = "SELECT tenant, token, webhook FROM accounts_to_keep($1, $2, $3, $4)"

Act = Callable[[Hands, Tenant], Awaitable[object]]


async def keep(hands: Hands) -> None:
    """One round; what fails for one province is logged and tried again in the next round."""
    gate = asyncio.Semaphore(PARALLEL)
    now = clock.now()
    tenants = hands.registry.now.tenants
    rows = await hands.registry.db.rows(DUE, list(tenants), now, now - AT_LEAST, now + BEFORE + MOST_SPREAD)
    due: dict[UUID, list[Act]] = {
        row["tenant"]: [act for act, wanted in ((keep_token, row["token"]), (keep_webhook, row["webhook"])) if wanted]
        for row in rows
    }

    async def one(tenant: Tenant) -> None:
        acts = due.get(tenant.id, [])
        if tenant.state == "closed":
            acts = [_keep_closed]
        elif hands.at_once:
            acts = [keep_token, keep_webhook]
        if not acts:
            return
        async with gate:
            for act in acts:
                began = time.monotonic()
                try:
                    await act(hands, tenant)
                except (SQLAlchemyError, OSError, TimeoutError, DomainError, ZaloError) as error:
                    log.warning("keeper.failed", tenant=tenant.slug, act=act.__name__, error=type(error).__name__)
                await asyncio.sleep(min(REST_BESIDE * (time.monotonic() - began), LONGEST_REST_S))

    await asyncio.gather(*(one(tenant) for tenant in tenants.values()))


async def _keep_closed(hands: Hands, tenant: Tenant) -> None:
    await end_what_waits(hands.registry, tenant)


async def keep_token(hands: Hands, tenant: Tenant) -> bool:
    """Renew the province's tokens when it is time; True when that was tried."""
    async with hands.registry.db.tenant(tenant.id) as session:
        row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id))
    if row is None or row.refresh_token_sealed is None:
        return False
    if row.state == "needs_reconsent":
        await trouble(hands.registry, tenant, row.refusal or "")
        return False
    now = clock.now()
    if not _is_due(row, tenant, now):
        return False
    try:
        await hands.credentials.access(tenant, not_generation=row.generation)
    except CredentialRevoked:  # told as an incident where it happened
        log.warning("keeper.token_refused", tenant=tenant.slug)
    except CredentialBusy:
        log.warning("keeper.token_not_renewed", tenant=tenant.slug)
        ends = row.access_expires_at
        if ends is not None and ends - ALARM_BEFORE < now and not (row.refusal or "").startswith("console"):
            await trouble(hands.registry, tenant, "not_renewed")
    return True


def _is_due(row: OaCredentialRow, tenant: Tenant, now: datetime) -> bool:
    if row.refresh_issued_at is None or row.refresh_issued_at + AT_LEAST < now:
        return True
    if not tenant.speaks:
        return False
    spread = timedelta(seconds=tenant.id.int % MOST_SPREAD.seconds)
    return row.access_expires_at is None or row.access_expires_at - BEFORE - spread < now


async def keep_webhook(hands: Hands, tenant: Tenant) -> Compared | None:
    """Count what came, look at Zalo's own list when it is time, and judge the silence; what was found, None without a look."""
    now = clock.now()
    async with hands.registry.db.tenant(tenant.id) as session:
        watch = await session.get(WebhookWatchRow, tenant.id, with_for_update=True)
        if watch is None:
            await session.execute(insert(WebhookWatchRow).values(tenant_id=tenant.id).on_conflict_do_nothing())
            watch = await session.get_one(WebhookWatchRow, tenant.id, with_for_update=True)
        await rhythm.count(session, watch, at_once=hands.at_once)
        since = watch.compared_to
        looks = tenant.speaks and since is not None and (hands.at_once or watch.next_look_at <= now)
        every = _every(watch, now)
        if tenant.speaks and since is None:
            # What was said before the first look was somebody else's to answer.
            watch.compared_to = now + OVERLAP
            # Not all provinces in the same minute.
            watch.next_look_at = now + every * ((tenant.id.int % 900) / 900)
        else:
            watch.next_look_at = now + every if looks else min(watch.next_look_at, now + every)
    compared = None
    if looks and since is not None:
        try:
            compared = await compare(hands, tenant, since)
        except (ZaloError, CredentialRevoked, CredentialBusy) as error:
            log.info("keeper.no_look", tenant=tenant.slug, error=type(error).__name__)
    if tenant.speaks:
        await _judge(hands, tenant, compared, now)
    return compared


def _every(watch: WebhookWatchRow, now: datetime) -> timedelta:
    """How often Zalo's list of an account is looked at."""
    quiet = watch.last_event_at is None or watch.last_event_at < now - QUIET_AFTER
    return LOOK_WHEN_QUIET if quiet and watch.silent_since is None else LOOK_EVERY


async def _judge(hands: Hands, tenant: Tenant, compared: Compared | None, now: datetime) -> None:
    async with hands.registry.db.tenant(tenant.id) as session:
        watch = await session.get_one(WebhookWatchRow, tenant.id, with_for_update=True)
        if compared is not None:
            watch.missed += compared.recovered
            if compared.whole:
                watch.compared_to = max(watch.compared_to or now, now)
            else:
                watch.next_look_at = now + LOOK_AGAIN
        heard = watch.last_event_at
        lost = compared is not None and compared.last_at is not None and (heard is None or heard < compared.last_at)
        quiet = await rhythm.silence(session, watch, now)
        if lost or quiet:
            assert compared is not None or quiet is not None
            since = quiet.since if quiet else (compared.first_at if compared else None) or now
            watch.silent_since = watch.silent_since or min(since, now)
            says, todo = _told(tenant, watch, compared, quiet, now)
            await open_(session, tenant.id, Kind.WEBHOOK, tenant.oa_id, says=says, todo=todo)
            log.warning("webhook.silent", tenant=tenant.slug, recovered=compared.recovered if compared else 0)
        elif watch.silent_since is not None and heard is not None and heard > watch.silent_since:
            watch.silent_since = None
            await heal(session, tenant.id, Kind.WEBHOOK, tenant.oa_id)
            log.info("webhook.heard_again", tenant=tenant.slug)


def _told(
    tenant: Tenant, watch: WebhookWatchRow, compared: Compared | None, quiet: rhythm.Silence | None, now: datetime
) -> tuple[str, str]:
    """What is wrong and who must do what, in Vietnamese."""
    since = (watch.silent_since or now).astimezone(VN)
    says = f"Không nhận được sự kiện nào từ Zalo kể từ {since:%H:%M ngày %d/%m/%Y}"
    if quiet is not None:
        says += f", trong khi bình thường đã có khoảng {quiet.expected:.0f} sự kiện"
    if compared is not None and compared.recovered:
        says += f"; đã lấy lại {compared.recovered} tin nhắn từ danh sách trò chuyện của Zalo"
    address = tenant.webhook_path
    return says + ".", (
        "Cán bộ kỹ thuật vào developers.zalo.me → Ứng dụng → Webhook: kiểm tra địa chỉ kết thúc bằng "
        f"{address}, bấm Kiểm tra, bật lại webhook và các sự kiện nếu đã bị tắt; kiểm tra chứng thư TLS và tường lửa phía trước hệ thống. "
        "Trong lúc chờ, tin nhắn của công dân được lấy lại sau mỗi 15 phút."
    )
