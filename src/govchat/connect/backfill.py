"""Comparing Zalo's own list of recent chats with the inbox, slowly, and taking up the messages that the webhook never brought.

A message that is taken up becomes the event that should have come, under the same dedupe key: when the late webhook arrives after all,
it is known. What leaves no trace in the chat (a follow, an unfollow, a tap without words) can't be recovered.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import text

from govchat.inbox.put import Intake, arrived
from govchat.kit import clock
from govchat.kit.buckets import Buckets
from govchat.kit.queue import CONVERSE, Bell
from govchat.kit.windows import Window
from govchat.sender.say import windows_of
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Registry, Tenant
from govchat.tenants.signatures import RECOVERED
from govchat.zalo import events
from govchat.zalo.client import PAGE_LIMIT, ZaloClient
from govchat.zalo.errors import AccessTokenInvalid, MessageInvalid
from govchat.zalo.replies import ChatMessage

log = structlog.get_logger()

# A message this young may still be on its way; older ones than two days can't be answered in the free window any more.
GRACE = timedelta(minutes=2)
OLDEST = timedelta(hours=48)
# Zalo's clock and ours, and messages that came while the last comparison was running.
OVERLAP = timedelta(minutes=5)
# Pages of recent chats that a look reads where everything is known, and pages at all; pages of one chat; chats that look sound and are
# read nevertheless, for a message that was lost between two that came.
MOST_PAGES, FARTHEST_PAGE, MOST_DEEP, MOST_SOUND = 30, 1_000, 20, 60
# This share of the Official Account's rate is a look's.
SHARE = 5

# Zalo's name of a kind in the chat → the event that tells it. Others are told as a file.
EVENT_OF = {
    "text": "user_send_text",
    "photo": "user_send_image",
    "image": "user_send_image",
    "gif": "user_send_gif",
    "sticker": "user_send_sticker",
    "location": "user_send_location",
    "audio": "user_send_audio",
    "voice": "user_send_audio",
    "video": "user_send_video",
    "link": "user_send_link",
    "business_card": "user_send_business_card",
    "file": "user_send_file",
}
NAMES = sorted(set(EVENT_OF.values()))

KNOWN = text("SELECT dedupe_key FROM inbox_events WHERE tenant_id = :tenant AND dedupe_key = ANY(:keys)")
SENT = text("SELECT zalo_message_id FROM outbox_messages WHERE tenant_id = :tenant AND zalo_message_id = ANY(:ids)")


class Hands(msgspec.Struct, frozen=True):
    """What a look needs at hand.

    `bell` rings for whoever waits for an answer to what is taken up. `at_once`: look now, and at what came this second: a rehearsal has
    no quarter of an hour.
    """

    registry: Registry
    credentials: Credentials
    zalo: ZaloClient
    buckets: Buckets
    bell: Bell
    at_once: bool = False


class Compared(msgspec.Struct, frozen=True):
    """What a look found: messages taken up, the oldest and newest moment of them, whether everything was looked at."""

    recovered: int
    first_at: datetime | None
    last_at: datetime | None
    whole: bool


class OutOfTokens(Exception):
    """The rate of app or Official Account is needed for others."""


async def compare(hands: Hands, tenant: Tenant, since: datetime) -> Compared:
    """Look at every chat with something newer than `since`; raises `ZaloError`, or a `DomainError` of the credentials."""
    since = max(since - OVERLAP, clock.now() - OLDEST)
    until = clock.now() - (timedelta() if hands.at_once else GRACE)
    caller = _Caller(hands, tenant)
    missed: list[ChatMessage] = []
    try:
        chats, whole = await _recent(hands, tenant, caller, since)
        strange = [user_id for user_id, is_strange in chats.items() if is_strange]
        sound = [user_id for user_id, is_strange in chats.items() if not is_strange]
        for user_id in strange + sound[:MOST_SOUND]:
            lines, all_of_it = await _conversation(caller, user_id, since)
            whole = whole and all_of_it
            missed += await _unknown(hands, tenant, [line for line in lines if line.time and line.time <= until])
    except OutOfTokens:
        whole = False
    recovered = await _take_up(hands, tenant, missed)
    moments = [line.time for line in recovered if line.time]
    return Compared(len(recovered), min(moments, default=None), max(moments, default=None), whole)


class _Caller:
    """Zalo's lists under the limits of the tenant, replies' reserve untouched, with a token that works."""

    def __init__(self, hands: Hands, tenant: Tenant) -> None:
        self._hands = hands
        self._tenant = tenant

    async def recent(self, offset: int) -> list[ChatMessage]:
        return await self._call(lambda token: self._hands.zalo.recent_chats(token, offset))

    async def conversation(self, user_id: str, offset: int) -> list[ChatMessage]:
        return await self._call(lambda token: self._hands.zalo.conversation(token, user_id, offset))

    async def _call(self, ask: Any) -> list[ChatMessage]:
        access = await self._hands.credentials.access(self._tenant)
        try:
            await self._permit()
            found: list[ChatMessage] = await ask(access.token)
        except AccessTokenInvalid:
            access = await self._hands.credentials.access(self._tenant, not_generation=access.generation)
            await self._permit()
            found = await ask(access.token)
        return found

    async def _permit(self) -> None:
        """A token of the limits just before each request: a refused request was one too. Raises `OutOfTokens`."""
        own = self._tenant.manifest.zalo.requests_per_minute // SHARE
        windows = (*windows_of(self._tenant), Window(f"look:{self._tenant.oa_id}", own))
        grant = await self._hands.buckets.take(windows, 1)
        if grant.open < 1:  # what is kept back for replies stays untouched
            await self._hands.buckets.give_back(windows, grant.granted, grant)
            raise OutOfTokens


async def _recent(hands: Hands, tenant: Tenant, caller: _Caller, since: datetime) -> tuple[dict[str, bool], bool]:
    """The citizens whose chats moved since then, each with whether its last line is one we have never heard of; whether that is all.

    A long list of chats whose last lines are all known is proof enough that the webhook lives: its rest is not read.
    """
    chats: dict[str, bool] = {}
    for page in range(FARTHEST_PAGE):
        lines = await caller.recent(page * PAGE_LIMIT)
        moved = [line for line in lines if line.time is None or line.time >= since]
        strange = {line.message_id for line in await _unknown(hands, tenant, moved)}
        strange |= await _unsaid(hands, tenant, [line for line in moved if not line.src_from_user])
        for line in moved:
            user_id = line.from_id if line.src_from_user else line.to_id
            if user_id:
                chats.setdefault(user_id, line.message_id in strange)
        if len(moved) < PAGE_LIMIT or (page + 1 >= MOST_PAGES and not strange):
            return chats, True
    return chats, False


async def _conversation(caller: _Caller, user_id: str, since: datetime) -> tuple[list[ChatMessage], bool]:
    """One chat back to that moment, newest first; whether it reaches there."""
    lines: list[ChatMessage] = []
    for page in range(MOST_DEEP):
        try:
            found = await caller.conversation(user_id, page * PAGE_LIMIT)
        except MessageInvalid:  # no id of Zalo's
            return lines, True
        lines += [line for line in found if line.time and line.time >= since]
        if len(found) < PAGE_LIMIT or any(line.time and line.time < since for line in found):
            return lines, True
    return lines, False


async def _unknown(hands: Hands, tenant: Tenant, lines: list[ChatMessage]) -> list[ChatMessage]:
    """What citizens said that is in no inbox, under whatever kind it may have come."""
    keys = {
        line.message_id: [events.peek(body_of(tenant, line, name)).dedupe_key for name in NAMES]
        for line in lines
        if line.src_from_user and line.from_id
    }
    if not keys:
        return []
    async with hands.registry.db.tenant(tenant.id) as session:
        wanted = [key for several in keys.values() for key in several]
        known = set(await session.scalars(KNOWN, {"tenant": tenant.id, "keys": wanted}))
    return [line for line in lines if line.message_id in keys and known.isdisjoint(keys[line.message_id])]


async def _unsaid(hands: Hands, tenant: Tenant, lines: list[ChatMessage]) -> set[str]:
    """Ids of lines of the Official Account that we did not say: somebody answered by hand, perhaps to something we never heard."""
    ids = [line.message_id for line in lines]
    if not ids:
        return set()
    async with hands.registry.db.tenant(tenant.id) as session:
        return set(ids) - set(await session.scalars(SENT, {"tenant": tenant.id, "ids": ids}))


async def _take_up(hands: Hands, tenant: Tenant, missed: list[ChatMessage]) -> list[ChatMessage]:
    """Put them into the inbox, oldest first; answers those that were new."""
    if not missed:
        return []
    vault = await hands.registry.tenant_vault(tenant.id)
    intake = Intake(hands.registry.db)
    fresh = []
    for line in sorted(missed, key=lambda line: (line.time or clock.now(), line.message_id)):
        body = body_of(tenant, line)
        header = events.peek(body)
        event = arrived(
            vault,
            tenant.id,
            body,
            dedupe_key=header.dedupe_key,
            event_name=header.event_name,
            user_id=header.user_id or "",
            occurred_at=header.occurred_at or clock.now(),
            signature=RECOVERED,
            asks=True,
        )
        if await intake.put(event):
            fresh.append(line)
    if fresh:
        await hands.bell.ring(CONVERSE, [tenant.id])
        log.warning("webhook.recovered", tenant=tenant.slug, messages=len(fresh))
    return fresh


def body_of(tenant: Tenant, line: ChatMessage, name: str | None = None) -> bytes:
    """The event that Zalo should have sent for this line."""
    message: dict[str, Any] = {"msg_id": line.message_id, "text": line.text}
    kind = line.type.lower()
    if kind != "text" and line.url:
        message["attachments"] = [{"type": "image" if kind == "photo" else kind, "payload": {"url": line.url}}]
    at = int((line.time or clock.now()).timestamp() * 1000)
    return msgspec.json.encode(
        {
            "event_name": name or EVENT_OF.get(kind, "user_send_text" if line.text else "user_send_file"),
            "app_id": tenant.app.app_id,
            "timestamp": str(at),
            "sender": {"id": line.from_id},
            "recipient": {"id": tenant.oa_id},
            "message": message,
        }
    )
