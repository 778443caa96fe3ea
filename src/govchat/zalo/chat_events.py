"""Events of the conversation between citizens and an OA: messages, receipts, reactions, following, shared data.

Ids, times and numbers are strings, as on the wire. Nothing of what a citizen wrote or who they are shows in a `repr`.
"""

import json
from datetime import datetime

import msgspec

from govchat.zalo.header import Event
from govchat.zalo.parse import as_int, moment


class Coordinates(msgspec.Struct, frozen=True):
    """Degrees, as strings."""

    latitude: str
    longitude: str


class AttachmentPayload(msgspec.Struct, frozen=True):
    """What an attachment holds; which fields are there depends on its type. `size` is in bytes, `checksum` an MD5."""

    url: str | None = None
    thumbnail: str | None = None
    description: str | None = None
    id: str | None = None
    name: str | None = None
    size: str | None = None
    type: str | None = None
    checksum: str | None = None
    coordinates: Coordinates | None = None
    text: str | None = None
    link_url: str | None = None
    zinstant_id: str | None = None

    def __repr__(self) -> str:
        return "<AttachmentPayload>"


class Attachment(msgspec.Struct, frozen=True):
    """A picture, place, file or the like. Addresses expire within the hour: fetch at once, and from Zalo's hosts alone."""

    type: str = ""
    payload: AttachmentPayload = AttachmentPayload()

    @property
    def location(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees; None when there is no place on Earth in it."""
        place = self.payload.coordinates
        if place is None:
            return None
        try:
            latitude, longitude = float(place.latitude), float(place.longitude)
        except ValueError:
            return None
        return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None

    @property
    def size_bytes(self) -> int | None:
        return as_int(self.payload.size)

    @property
    def card_phone(self) -> str | None:
        """The telephone number on a business card, which Zalo packs as JSON into the description."""
        try:
            card = json.loads(self.payload.description or "")
        except (ValueError, RecursionError):
            return None
        phone = card.get("phone") if isinstance(card, dict) else None
        return str(phone) if isinstance(phone, (str, int)) and not isinstance(phone, bool) and phone else None


class Message(msgspec.Struct, frozen=True):
    """The inside of a message event."""

    msg_id: str | None = None
    text: str | None = None
    quote_msg_id: str | None = None
    attachments: tuple[Attachment, ...] | None = None
    conversation_id: str | None = None

    def __repr__(self) -> str:
        return "<Message>"


class MessageEvent(Event, frozen=True, kw_only=True):
    """Any event that carries a message."""

    message: Message

    @property
    def kind(self) -> str:
        """`text`, `image`, `location`, … as the event's name has it."""
        return self.event_name.rsplit("_send_", 1)[-1].removeprefix("anonymous_").removeprefix("group_")

    @property
    def msg_id(self) -> str | None:
        return self.message.msg_id

    @property
    def text(self) -> str:
        return self.message.text or ""

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        return self.message.attachments or ()


class UserMessage(MessageEvent, frozen=True, kw_only=True):
    """A citizen wrote to the OA: text, picture, place, file …. A tap on a query button comes as a text, too."""


class _OaSender(msgspec.Struct, frozen=True):
    admin_id: str | None = None


class OaMessage(MessageEvent, frozen=True, kw_only=True):
    """The OA wrote to a citizen: the echo of our own sends, or an officer's hand in OA Manager (then `admin_id`)."""

    sender: _OaSender = _OaSender()

    @property
    def admin_id(self) -> str | None:
        return self.sender.admin_id

    @property
    def by_hand(self) -> bool:
        return self.sender.admin_id is not None


class _Party(msgspec.Struct, frozen=True):
    id: str | None = None


class AnonymousMessage(MessageEvent, frozen=True, kw_only=True):
    """A message between the OA and a visitor of the web widget who is not logged in to Zalo."""

    sender: _Party = _Party()
    recipient: _Party = _Party()

    @property
    def from_oa(self) -> bool:
        return self.event_name.startswith("oa_")

    @property
    def anonymous_id(self) -> str | None:
        return self.recipient.id if self.from_oa else self.sender.id


class GroupMessage(MessageEvent, frozen=True, kw_only=True):
    """A message in a group chat of the OA."""

    group_id: str | None = None


class _ReceiptBody(msgspec.Struct, frozen=True):
    msg_id: str | None = None
    msg_ids: tuple[str, ...] | None = None
    delivery_time: str | None = None
    tracking_id: str | None = None


class Receipt(Event, frozen=True, kw_only=True):
    """Messages reached the citizen's phone, or were seen there. `tracking_id` is there for template sends by number alone."""

    message: _ReceiptBody

    @property
    def seen(self) -> bool:
        return self.event_name == "user_seen_message"

    @property
    def msg_ids(self) -> tuple[str, ...]:
        one = (self.message.msg_id,) if self.message.msg_id else ()
        return tuple(dict.fromkeys(one + (self.message.msg_ids or ())))

    @property
    def tracking_id(self) -> str | None:
        return self.message.tracking_id

    @property
    def delivered_at(self) -> datetime | None:
        return moment(self.message.delivery_time) or self.occurred_at


class _ReactionBody(msgspec.Struct, frozen=True):
    msg_id: str | None = None
    react_icon: str | None = None


class Reaction(Event, frozen=True, kw_only=True):
    """A reaction to the message `message.msg_id`, by the citizen or the OA as the name says."""

    message: _ReactionBody


class Follow(Event, frozen=True, kw_only=True):
    """A citizen followed (or unfollowed) the OA, coming from `source`."""

    source: str | None = None

    @property
    def following(self) -> bool:
        return self.event_name == "follow"


class Chatnow(Event, frozen=True, kw_only=True):
    """The message button of the OA's page was tapped; comes once, before a first chat."""


class FullAddress(msgspec.Struct, frozen=True):
    """The newer shape of an address, without district."""

    user_city: str | None = None
    user_ward: str | None = None
    user_address: str | None = None

    def __repr__(self) -> str:
        return "<FullAddress>"


class Info(msgspec.Struct, frozen=True):
    """What a citizen shared; two generations of fields, either may come."""

    name: str | None = None
    phone: str | None = None
    user_dob: str | None = None
    gender: str | None = None
    full_address: FullAddress | None = None
    address: str | None = None
    city: str | None = None
    district: str | None = None
    ward: str | None = None

    def __repr__(self) -> str:
        return "<Info>"

    @property
    def address_line(self) -> str:
        """Street, ward, district and city as far as given, either generation, smallest part first."""
        new = self.full_address or FullAddress()
        parts = (
            new.user_address or self.address,
            new.user_ward or self.ward,
            self.district,
            new.user_city or self.city,
        )
        return ", ".join(part.strip() for part in parts if part and part.strip())


class InfoSubmitted(Event, frozen=True, kw_only=True):
    """A citizen answered the form of `request_info`."""

    info: Info


class Tag(msgspec.Struct, frozen=True):
    """A tag and whom it was put on or taken from."""

    name: str | None = None
    user_ids: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"<Tag {self.name!r}>"


class TagChanged(Event, frozen=True, kw_only=True):
    """A tag was put on people, taken from them, or removed altogether."""

    tag: Tag | None = None


class UserUpdated(Event, frozen=True, kw_only=True):
    """Zalo's record of a citizen changed."""


class Withdrawn(Event, frozen=True, kw_only=True):
    """A citizen demands that their data be deleted (quyền của chủ thể dữ liệu)."""


class _WidgetData(msgspec.Struct, frozen=True):
    user_external_id: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return "<WidgetData>"


class WidgetEvent(Event, frozen=True, kw_only=True):
    """The consent widget on our pages: `data.user_external_id` is the id we gave it."""

    data: _WidgetData = _WidgetData()

    @property
    def accepted(self) -> bool:
        return self.event_name == "widget_interaction_accepted"
