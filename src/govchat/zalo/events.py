"""Reads webhook bodies: `peek` for routing while Zalo waits, `decode` for the worker that acts on them.

Both go through the same parser, so a body that `peek` accepts is one that `decode` reads. Every event keeps its name;
what we have no struct for, or what has a field of an unexpected type, becomes `Unknown` with the ids that can be read.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from govchat.zalo.account_events import (
    AppEvent,
    ButtonAnswered,
    Call,
    FeedbackGiven,
    GroupEvent,
    JourneyEvent,
    OaAllowanceChanged,
    ShopOrder,
    TemplateChanged,
)
from govchat.zalo.catalogue import BY_NAME
from govchat.zalo.chat_events import (
    AnonymousMessage,
    Attachment,
    Chatnow,
    Follow,
    GroupMessage,
    InfoSubmitted,
    OaMessage,
    Reaction,
    Receipt,
    TagChanged,
    UserMessage,
    UserUpdated,
    WidgetEvent,
    Withdrawn,
)
from govchat.zalo.header import Event, Header, Unknown
from govchat.zalo.parse import Unreadable, as_struct, as_text, read_object

__all__ = ["AnonymousMessage", "AppEvent", "Attachment", "ButtonAnswered", "Call", "Chatnow", "Event"]
__all__ += ["FeedbackGiven", "Follow", "GroupEvent", "GroupMessage", "Header", "InfoSubmitted", "JourneyEvent"]
__all__ += ["NotAnEvent", "OaAllowanceChanged", "OaMessage", "Reaction", "Receipt", "ShopOrder", "TagChanged"]
__all__ += ["TemplateChanged", "Unknown", "UserMessage", "UserUpdated", "WidgetEvent", "Withdrawn", "decode"]
__all__ += ["is_probe", "peek"]

ID_LIMIT = 128
NAME_LIMIT = 64
_KEY_LIMIT = 240  # longer dedupe keys are hashed: they stand in an index

# Who wrote: in these the sender is the OA, though the name does not begin with "oa_".
_FROM_OA = frozenset({"user_received_message", "user_seen_message"})
# The message id in these names the message spoken of, not the event: two reactions to one message are two events.
_ABOUT_A_MESSAGE = frozenset(
    {"user_reacted_message", "oa_reacted_message", "user_feedback", "user_click_response_button"}
)


class NotAnEvent(ValueError):
    """A body that is no JSON object we can read; the text says why and quotes nothing of it."""


def peek(body: bytes) -> Header:
    """Names, ids, time and dedupe key of an event, for routing before anything else is known of it.

    An object without a readable `event_name` (the `{}` with which Zalo probes the address) has the empty name. Raises
    `NotAnEvent` for a body that is empty, not UTF-8, not JSON, not an object or nested deeper than 64 levels.
    """
    return _header(_object(body), body)


def decode(body: bytes) -> Event:
    """The whole event as the struct of its kind; `Unknown` when there is none or when a field does not fit.

    Raises `NotAnEvent` exactly when `peek` does.
    """
    document = _object(body)
    header = _header(document, body)
    fields = msgspec.structs.asdict(header)
    kind = BY_NAME.get(header.event_name, Unknown)
    try:
        return as_struct(document | fields, kind)
    except Unreadable as error:
        return Unknown(**fields, problem=str(error))


def is_probe(body: bytes) -> bool:
    """Whether this is the empty or `{}` body with which Zalo tries an address while it is being saved."""
    return body.strip() in (b"", b"{}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except Unreadable as error:
        raise NotAnEvent(str(error)) from None


def _header(document: Mapping[str, Any], body: bytes) -> Header:
    name = _short(document.get("event_name"), NAME_LIMIT) or ""
    oa_id, person = _parties(name, document)
    stamp = _short(document.get("timestamp"), ID_LIMIT)
    message = _inside(document, "message")
    anonymous = "anonymous" in name
    by_phone = name == "user_received_message" and ("delivery_time" in message or "tracking_id" in message)
    return Header(
        event_name=name,
        app_id=_short(document.get("app_id")),
        oa_id=oa_id,
        user_id=None if anonymous or by_phone else person,
        user_id_by_app=_short(document.get("user_id_by_app")),
        timestamp=stamp,
        dedupe_key=_dedupe_key(
            name, document, message, oa_id=oa_id, person=None if by_phone else person, stamp=stamp, body=body
        ),
    )


def _parties(name: str, document: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The OA and the person of an event; management events name the OA themselves, messages by who wrote to whom."""
    oa_id = _short(document.get("oa_id")) or _short(document.get("oaId"))
    sender, recipient = document.get("sender"), document.get("recipient")
    if isinstance(sender, dict) or isinstance(recipient, dict):
        from_oa = name.startswith("oa_") or name in _FROM_OA
        sent_by = _short(sender.get("id")) if isinstance(sender, dict) else None
        sent_to = _short(recipient.get("id")) if isinstance(recipient, dict) else None
        oa, person = (sent_by, sent_to) if from_oa else (sent_to, sent_by)
        if "_send_group_" in name:  # the other side of a group message is the group
            return (oa_id or (oa if from_oa else None)), (None if from_oa else person)
        return oa_id or oa, person
    person = _short(_inside(document, "follower").get("id")) or _short(document.get("user_id"))
    if person is None:
        person = _short(_inside(document, "data").get("user_id")) or _only(_inside(document, "tag").get("user_ids"))
    return oa_id, person


def _only(values: object) -> str | None:
    return _short(values[0]) if isinstance(values, list) and len(values) == 1 else None


def _inside(document: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = document.get(field)
    return found if isinstance(found, dict) else {}


def _short(value: object, limit: int = ID_LIMIT) -> str | None:
    """An id as text; None for what can't be one (other types, empty, too long, control characters that no table takes)."""
    text = as_text(value)
    return text if text and len(text) <= limit and text.isprintable() else None


def _dedupe_key(
    name: str,
    document: Mapping[str, Any],
    message: Mapping[str, Any],
    *,
    oa_id: str | None,
    person: str | None,
    stamp: str | None,
    body: bytes,
) -> str:
    """The same for every delivery of one event, different for different events.

    OA and person are part of it: the console's test sends one placeholder message id for everybody.
    """
    ids = _message_ids(document, message)
    if ids and name not in _ABOUT_A_MESSAGE:
        return _key(name, oa_id, person, ids)
    subject = ids or person or _subject(document)
    if stamp is None or subject is None:  # nothing else tells two such events apart
        subject = hashlib.sha256(body).hexdigest()
    return "sha256:" + hashlib.sha256(msgspec.json.encode((name, stamp, subject, person, oa_id))).hexdigest()


def _message_ids(document: Mapping[str, Any], message: Mapping[str, Any]) -> str | None:
    one = _short(message.get("msg_id")) or _short(document.get("msg_id"))
    if one:
        return one
    many = message.get("msg_ids")
    if not isinstance(many, list):
        return None
    return ",".join(text for text in map(_short, many) if text) or None


def _subject(document: Mapping[str, Any]) -> str | None:
    """What an event without a person is about."""
    group, template = _short(document.get("group_id")), _short(document.get("template_id"))
    tag = _short(_inside(document, "tag").get("name"))
    if group and not document.get("users"):
        return group
    return template or (tag if not _inside(document, "tag").get("user_ids") else None)


def _key(name: str, oa_id: str | None, person: str | None, ids: str) -> str:
    parts = (name, oa_id or "", person or "", ids)
    key = "|".join(parts)
    if len(key) > _KEY_LIMIT or key.count("|") != len(parts) - 1:
        return "sha256:" + hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
    return key
