"""What each kind of event means for us: who turned up, what they said, what the conversation makes of it.

`CONVERSATIONAL` names the events that are worked off in order per citizen; the rest are receipts, worked off in bulk.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens import know
from govchat.conversation import events as happenings
from govchat.conversation.engine import converse
from govchat.conversation.facts import facts_of
from govchat.kit import clock, phone
from govchat.kit.crypto import TenantVault
from govchat.outbox.put import echo_hash
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo import messages
from govchat.zalo.chat_events import Chatnow, Follow, InfoSubmitted, OaMessage, UserMessage
from govchat.zalo.header import Event

MEDIA: dict[str, type] = {
    "user_send_image": happenings.Picture,
    "user_send_location": happenings.Place,
    "user_send_sticker": happenings.Sticker,
    "user_send_gif": happenings.OtherMedia,
    "user_send_link": happenings.OtherMedia,
    "user_send_audio": happenings.OtherMedia,
    "user_send_video": happenings.OtherMedia,
    "user_send_file": happenings.OtherMedia,
    "user_send_business_card": happenings.OtherMedia,
}

CONVERSATIONAL = frozenset({*MEDIA, "user_send_text", "follow", "unfollow", "user_click_chatnow", "user_submit_info"})


async def handle(
    session: AsyncSession,
    registry: Registry,
    tenant: Tenant,
    event: Event,
    *,
    event_id: UUID,
    occurred_at: datetime,
    received_at: datetime,
) -> int:
    """Work off one conversational event in its transaction; answers how many messages were put."""
    user_id = event.user_id
    if user_id is None or event.oa_id not in (tenant.oa_id, None):
        return 0
    try:
        messages.check_id("user_id", user_id)
    except messages.MessageInvalid:  # no id of Zalo's: nobody can be answered under it, now or later
        return 0
    unfollowed = event.event_name == "unfollow"
    citizen = await know.know(
        session, tenant.id, user_id, by_app=event.user_id_by_app, interacted_at=None if unfollowed else occurred_at
    )
    vault = await registry.tenant_vault(tenant.id)
    if isinstance(event, Follow):
        await know.note_follow(session, tenant.id, citizen.id, follows=event.following, at=occurred_at)
    if isinstance(event, InfoSubmitted):
        number = phone.normalise(event.info.phone or "")
        if number:
            shared = vault.index(number, "phone")
            await know.note_phone(session, tenant.id, citizen.id, shared, occurred_at)
            citizen = know.Citizen(citizen.id, user_id, shared)
    happened = happening(event)
    if happened is None or not tenant.speaks:
        return 0
    return await converse(
        session,
        vault,
        tenant.id,
        facts_of(tenant, registry.now),
        citizen,
        happened,
        cause=event_id,
        caused_at=received_at,
        now=clock.now(),
        assets_url=f"{registry.settings.public_url}/assets",
    )


def happening(event: Event) -> happenings.Event | None:
    """The event as the conversation sees it; None where nothing is to be answered."""
    match event:
        case UserMessage() if event.event_name in MEDIA:
            made: happenings.Event = MEDIA[event.event_name]()
            return made
        case UserMessage():
            return happenings.Text(event.text)
        case Follow():
            return happenings.Followed() if event.following else happenings.Unfollowed()
        case Chatnow():
            return happenings.OpenedChat()
        case InfoSubmitted():
            return happenings.SharedContact(phone_known=phone.normalise(event.info.phone or "") is not None)
        case _:
            return None


def echo_of(vault: TenantVault, event: Event) -> tuple[str, str, bytes] | None:
    """(user id, Zalo's message id, echo hash) of the echo of something we said; None for anything else."""
    if not isinstance(event, OaMessage) or event.by_hand or event.user_id is None or not event.msg_id:
        return None
    return event.user_id, event.msg_id, echo_hash(vault, event.text)
