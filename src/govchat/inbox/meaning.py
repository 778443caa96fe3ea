"""What an event means for us: who turned up, what is known of them now, what they said. Pure."""

from datetime import datetime

import msgspec

from govchat.conversation import events as happenings
from govchat.conversation.context import Context
from govchat.conversation.wishes import must_be_forgotten
from govchat.handoff.mute import wants_bot
from govchat.kit import clock, phone
from govchat.kit.crypto import TenantVault
from govchat.outbox.put import echo_hash
from govchat.tenants.registry import Tenant
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

# The events that are worked off in order per citizen; the rest are receipts, worked off in bulk.
CONVERSATIONAL = frozenset({*MEDIA, "user_send_text", "follow", "unfollow", "user_click_chatnow", "user_submit_info"})


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    """One conversational event of a citizen.

    `interacted_at` None does not move the last interaction; `follows` None leaves the follow state. `phone` is a number that Zalo vouches
    for, `picture` the address of a photo that may be looked at (`pictures`), `happened` None when nothing is to be answered.
    """

    user_id: str
    by_app: str | None
    occurred_at: datetime
    interacted_at: datetime | None
    follows: bool | None
    phone: str | None
    picture: str | None = None
    happened: happenings.Event | None


def meaning(tenant: Tenant, event: Event, occurred_at: datetime) -> Meant | None:
    """The event as it concerns this tenant; None when it does not, or names nobody who could be answered."""
    user_id = event.user_id
    if user_id is None or event.oa_id not in (tenant.oa_id, None):
        return None
    try:
        messages.check_id("user_id", user_id)
    except messages.MessageInvalid:  # no id of Zalo's: nobody can be answered under it, now or later
        return None
    shared = event.info.phone if isinstance(event, InfoSubmitted) else None
    return Meant(
        user_id=user_id,
        by_app=event.user_id_by_app,
        occurred_at=occurred_at,
        interacted_at=None if event.event_name == "unfollow" else occurred_at,
        follows=event.following if isinstance(event, Follow) else None,
        phone=phone.normalise(shared or ""),
        picture=picture_of(event),
        happened=happening(event),
    )


def picture_of(event: Event) -> str | None:
    """Where the photo of an event can be fetched; None for every other event."""
    if not isinstance(event, UserMessage) or event.event_name != "user_send_image":
        return None
    return next((each.payload.url for each in event.attachments if each.payload.url), None)


def happening(event: Event) -> happenings.Event | None:  # noqa: PLR0911 -- one kind a line
    """The event as the conversation sees it; None where nothing is to be answered."""
    match event:
        case UserMessage() if event.event_name == "user_send_location":
            place = next((each.location for each in event.attachments if each.location), None)
            return happenings.Place(*place) if place else happenings.Place()
        case UserMessage() if event.event_name == "user_send_image":
            return happenings.Picture(caption=event.text)
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


def told_what_is_not_kept(happened: happenings.Event, context: Context) -> bool:
    """Whether a text tells of a complaint or a denunciation, which is kept nowhere, whoever has the word."""
    return isinstance(happened, happenings.Text) and must_be_forgotten(happened.text, context)


def asks_for_bot(happened: happenings.Event) -> bool:
    """Whether a citizen with whom an officer has the word wants to go on without them."""
    return isinstance(happened, happenings.Text) and wants_bot(happened.text)


def by_hand(event: Event) -> tuple[str, datetime] | None:
    """(user id, when) of what an officer wrote by hand in OA Manager; None for anything else."""
    if not isinstance(event, OaMessage) or not event.by_hand or event.user_id is None:
        return None
    return event.user_id, event.occurred_at or clock.now()
