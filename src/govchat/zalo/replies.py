"""What Zalo's successful answers say, as structs; read tolerantly, since an answer with an odd field is still an answer.

Profiles and chats are personal data: no `repr` here shows names, phones or words.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from govchat.zalo.exchange import Rate
from govchat.zalo.parse import Unreadable, as_int, as_struct, as_text, moment

Data = Mapping[str, Any]
T = TypeVar("T")


class Quota(msgspec.Struct, frozen=True):
    """The allowance a message was counted against; texts as Zalo gives them. Often missing: nothing may depend on it."""

    quota_type: str | None = None
    remain: str | None = None
    total: str | None = None
    expired_date: str | None = None
    owner_type: str | None = None
    owner_id: str | None = None


class Sent(msgspec.Struct, frozen=True):
    """Zalo took a message: its id there, the receiver, when (aware), and what is left of quota and rate."""

    message_id: str
    user_id: str
    sent_at: datetime | None = None
    quota: Quota | None = None
    rate: Rate | None = None

    def __repr__(self) -> str:
        return f"<Sent {self.message_id}>"


class TemplateSent(msgspec.Struct, frozen=True):
    """Zalo took a template message to a telephone number."""

    message_id: str
    sent_at: datetime | None = None
    sending_mode: str | None = None
    daily_quota: int | None = None
    remaining_quota: int | None = None
    rate: Rate | None = None


class Uploaded(msgspec.Struct, frozen=True):
    """An upload: `id` is an attachment id (pictures) or a token (documents); Zalo forgets it at `expires_at`."""

    id: str
    expires_at: datetime


class OaProfile(msgspec.Struct, frozen=True):
    """An OA as it describes itself. `oa_type` 2 is a business, 4 a state agency (one source)."""

    oa_id: str
    name: str = ""
    description: str = ""
    is_verified: bool | None = None
    oa_type: int | None = None
    num_follower: int | None = None
    package_name: str | None = None
    package_valid_through: str | None = None
    linked_zbs_account: str | None = None
    avatar: str | None = None
    cover: str | None = None


class SharedInfo(msgspec.Struct, frozen=True):
    """What a citizen gave in a form."""

    name: str | None = None
    phone: str | None = None
    address: str | None = None
    district: str | None = None
    city: str | None = None

    def __repr__(self) -> str:
        return "<SharedInfo>"


class UserDetail(msgspec.Struct, frozen=True):
    """A citizen as this OA may see them; nearly everything is optional for people who don't follow."""

    user_id: str
    user_id_by_app: str | None = None
    user_external_id: str | None = None
    display_name: str | None = None
    alias: str | None = None
    is_sensitive: bool | None = None
    is_follower: bool | None = None
    last_interaction_on: date | None = None
    avatar: str | None = None
    dynamic_param: str | None = None
    tags: tuple[str, ...] = ()
    shared: SharedInfo | None = None

    def __repr__(self) -> str:
        return "<UserDetail>"


class ChatMessage(msgspec.Struct, frozen=True):
    """One line of the chat that Zalo keeps: for filling gaps after an outage and for settling uncertain sends."""

    message_id: str
    src_from_user: bool
    time: datetime | None = None
    text: str = ""
    type: str = ""
    from_id: str | None = None
    to_id: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return f"<ChatMessage {self.message_id}>"


def read_sent(data: Data, user_id: str, rate: Rate | None) -> Sent | None:
    """None when the answer names no message."""
    message_id = as_text(data.get("message_id")) or as_text(data.get("msg_id"))
    if not message_id:
        return None
    to = as_text(data.get("user_id")) or user_id
    return Sent(message_id, to, moment(as_text(data.get("sent_time"))), _lenient(data.get("quota"), Quota), rate)


def read_template_sent(data: Data, rate: Rate | None) -> TemplateSent | None:
    """None when the answer names no message."""
    message_id = as_text(data.get("msg_id")) or as_text(data.get("message_id"))
    if not message_id:
        return None
    quota = data.get("quota")
    left: Data = quota if isinstance(quota, dict) else {}
    return TemplateSent(
        message_id,
        sent_at=moment(as_text(data.get("sent_time"))),
        sending_mode=as_text(data.get("sending_mode")),
        daily_quota=_number(left.get("dailyQuota")),
        remaining_quota=_number(left.get("remainingQuota")),
        rate=rate,
    )


def read_profile(data: Data) -> OaProfile | None:
    """None when the answer names no OA."""
    oa_id = as_text(data.get("oaid")) or as_text(data.get("oa_id"))
    if not oa_id:
        return None
    return OaProfile(
        oa_id,
        name=as_text(data.get("name")) or "",
        description=as_text(data.get("description")) or "",
        is_verified=_flag(data.get("is_verified")),
        oa_type=_number(data.get("oa_type")),
        num_follower=_number(data.get("num_follower")),
        package_name=as_text(data.get("package_name")),
        package_valid_through=as_text(data.get("package_valid_through_date")),
        linked_zbs_account=as_text(data.get("linked_ZCA")),
        avatar=as_text(data.get("avatar")),
        cover=as_text(data.get("cover")),
    )


def read_user(data: Data, user_id: str) -> UserDetail:
    """The profile of `user_id` as far as it is told."""
    tags = data.get("tags_and_notes_info")
    names = tags.get("tag_names") if isinstance(tags, dict) else None
    return UserDetail(
        as_text(data.get("user_id")) or user_id,
        user_id_by_app=as_text(data.get("user_id_by_app")),
        user_external_id=as_text(data.get("user_external_id")),
        display_name=as_text(data.get("display_name")),
        alias=as_text(data.get("user_alias")),
        is_sensitive=_flag(data.get("is_sensitive")),
        is_follower=_flag(data.get("user_is_follower")),
        last_interaction_on=_day(as_text(data.get("user_last_interaction_date"))),
        avatar=as_text(data.get("avatar")),
        dynamic_param=as_text(data.get("dynamic_param")),
        tags=tuple(filter(None, map(as_text, names))) if isinstance(names, list) else (),
        shared=_lenient(data.get("shared_info"), SharedInfo),
    )


def read_chat(items: object) -> list[ChatMessage]:
    """The lines that carry a message id, in Zalo's order (newest first)."""
    return (
        [line for item in items if isinstance(item, dict) and (line := _chat_line(item))]
        if isinstance(items, list)
        else []
    )


def _chat_line(item: Data) -> ChatMessage | None:
    message_id = as_text(item.get("message_id")) or as_text(item.get("msg_id"))
    if not message_id:
        return None
    return ChatMessage(
        message_id,
        src_from_user=_number(item.get("src")) == 1,
        time=moment(as_text(item.get("time"))),
        text=as_text(item.get("message")) or "",
        type=as_text(item.get("type")) or "",
        from_id=as_text(item.get("from_id")),
        to_id=as_text(item.get("to_id")),
        url=as_text(item.get("url")),
    )


def _lenient(value: object, into: type[T]) -> T | None:
    if not isinstance(value, dict):
        return None
    try:
        return as_struct(value, into)
    except Unreadable:
        return None


def _number(value: object) -> int | None:
    return as_int(as_text(value))


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get((as_text(value) or "").lower())


def _day(text: str | None) -> date | None:
    """A day written DD/MM/YYYY."""
    try:
        day, month, year = (int(part) for part in (text or "").split("/"))
        return date(year, month, day)
    except ValueError:
        return None
