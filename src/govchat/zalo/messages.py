"""Builds consultation messages (tin tư vấn) that Zalo will accept, or says here why it would not.

A `CsMessage` has the shape that Zalo takes: `encode` makes the bytes that go over the wire and into the outbox row, `decode`
reads them back. Limits are those of docs/zalo.md; breaking one raises `MessageInvalid` before anything is sent.
"""

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from govchat.zalo.errors import MessageInvalid
from govchat.zalo.split import TEXT_LIMIT, split, tidy

__all__ = [
    "TEXT_LIMIT",
    "Button",
    "CsMessage",
    "Element",
    "MessageInvalid",
    "decode",
    "element",
    "encode",
    "file",
    "gif",
]
__all__ += [
    "image",
    "list_",
    "open_phone",
    "open_sms",
    "open_url",
    "query",
    "request_info",
    "split",
    "sticker",
    "text",
    "texts",
]

BUTTON_LIMIT = 5  # one too many fails the whole message
BUTTON_TITLE_LIMIT = 100
PAYLOAD_LIMIT = 1000
LIST_LIMIT = 4  # sources disagree between 4 and 5
TITLE_LIMIT = 100  # of list elements and forms: the figures of old documentation
SUBTITLE_LIMIT = 500
URL_LIMIT = 2000
ID_LIMIT = 128

_LOCAL_HOSTS = ("127.0.0.1", "localhost")
_PHONE_NOISE = re.compile(r"[\s.()\-]")
_PHONE = re.compile(r"84[0-9]{8,10}|1[0-9]{2,9}")

ButtonType = Literal["oa.open.url", "oa.query.show", "oa.query.hide", "oa.open.sms", "oa.open.phone"]
TemplateType = Literal["media", "list", "request_user_info"]
MediaType = Literal["image", "gif", "sticker"]


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a button leads when it is not a query."""

    url: str | None = None
    content: str | None = None
    phone_code: str | None = None


class Button(msgspec.Struct, frozen=True):
    """A button below a text; made by `query`, `open_url`, `open_phone` and `open_sms`."""

    title: str
    type: ButtonType
    payload: str | Target


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a tap on a list element does."""

    type: ButtonType
    url: str | None = None
    payload: str | None = None


class Element(msgspec.Struct, frozen=True, omit_defaults=True):
    """One picture, list line or form of a template."""

    media_type: MediaType | None = None
    url: str | None = None
    attachment_id: str | None = None
    width: int | None = None
    height: int | None = None
    title: str | None = None
    subtitle: str | None = None
    image_url: str | None = None
    default_action: Action | None = None


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The inside of an attachment."""

    template_type: TemplateType | None = None
    elements: tuple[Element, ...] | None = None
    buttons: tuple[Button, ...] | None = None
    token: str | None = None


class Attachment(msgspec.Struct, frozen=True):
    """What hangs on a text."""

    type: Literal["template", "file"]
    payload: Payload


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """The message itself."""

    text: str | None = None
    quote_message_id: str | None = None
    attachment: Attachment | None = None


class Recipient(msgspec.Struct, frozen=True):
    """The citizen, by the id that this OA knows."""

    user_id: str


class CsMessage(msgspec.Struct, frozen=True):
    """One message to one citizen, in the shape of `POST /v3.0/oa/message/cs`."""

    recipient: Recipient
    message: Body

    @property
    def user_id(self) -> str:
        return self.recipient.user_id

    @property
    def plain_text(self) -> str:
        """The text that Zalo's echo event repeats; empty for a message without one."""
        return self.message.text or ""

    @property
    def buttons(self) -> tuple[Button, ...]:
        attachment = self.message.attachment
        return (attachment.payload.buttons if attachment else None) or ()

    def __repr__(self) -> str:  # never the citizen's id or words
        return f"<CsMessage of {len(self.plain_text)} characters, {len(self.buttons)} buttons>"


_decoder = msgspec.json.Decoder(CsMessage)


def encode(message: CsMessage) -> bytes:
    """The JSON that Zalo takes and the outbox keeps."""
    return msgspec.json.encode(message)


def decode(body: bytes | str) -> CsMessage:
    """A message as `encode` wrote it; raises `msgspec.ValidationError` for anything else."""
    return _decoder.decode(body)


# --- buttons --------------------------------------------------------------------------------------------------------------


def query(title: str, payload: str, hidden: bool = False) -> Button:
    """A button that sends `payload` back as the citizen's text; `hidden` keeps it out of the chat."""
    kind: ButtonType = "oa.query.hide" if hidden else "oa.query.show"
    return Button(
        check_line("button title", title, BUTTON_TITLE_LIMIT),
        kind,
        check_line("button payload", payload, PAYLOAD_LIMIT),
    )


def open_url(title: str, url: str, *, allow_insecure: bool = False) -> Button:
    """A button that opens a page; https alone, http to this machine when `allow_insecure`."""
    target = Target(url=check_url("button url", url, allow_insecure))
    return Button(check_line("button title", title, BUTTON_TITLE_LIMIT), "oa.open.url", target)


def open_phone(title: str, phone: str) -> Button:
    """A button that calls `phone`: 0…, +84… or a short number like 1022."""
    return Button(
        check_line("button title", title, BUTTON_TITLE_LIMIT),
        "oa.open.phone",
        Target(phone_code=phone_code("button phone", phone)),
    )


def open_sms(title: str, phone: str, content: str) -> Button:
    """A button that opens a text message to `phone` with `content` filled in."""
    target = Target(
        content=check_line("button content", content, PAYLOAD_LIMIT), phone_code=phone_code("button phone", phone)
    )
    return Button(check_line("button title", title, BUTTON_TITLE_LIMIT), "oa.open.sms", target)


# --- messages -------------------------------------------------------------------------------------------------------------


def text(user_id: str, text: str, buttons: Sequence[Button] = (), quote_message_id: str | None = None) -> CsMessage:
    """A text of at most 2,000 characters (after NFC) with at most 5 buttons; `texts` cuts longer ones."""
    attachment = Attachment("template", Payload(buttons=_buttons(buttons))) if buttons else None
    quoted = check_id("quote_message_id", quote_message_id) if quote_message_id is not None else None
    return _to(user_id, Body(check_line("text", text, TEXT_LIMIT), quoted, attachment))


def texts(
    user_id: str, text: str, buttons: Sequence[Button] = (), quote_message_id: str | None = None
) -> list[CsMessage]:
    """`text` in as many messages as it needs; the first quotes, the last carries the buttons."""
    _writable("text", text)
    parts = split(text) or [""]  # an empty text is refused below, by name
    last = len(parts) - 1
    return [
        _text(user_id, part, buttons if at == last else (), quote_message_id if at == 0 else None)
        for at, part in enumerate(parts)
    ]


_text = text  # `texts` has an argument of that name


def request_info(user_id: str, title: str, subtitle: str, image_url: str, *, allow_insecure: bool = False) -> CsMessage:
    """Asks the citizen to share name, phone and address; answered by `user_submit_info`."""
    element = Element(
        title=check_line("title", title, TITLE_LIMIT),
        subtitle=check_line("subtitle", subtitle, SUBTITLE_LIMIT),
        image_url=check_url("image_url", image_url, allow_insecure),
    )
    return _template(user_id, Payload("request_user_info", (element,)))


def image(
    user_id: str,
    *,
    url: str | None = None,
    attachment_id: str | None = None,
    text: str | None = None,
    allow_insecure: bool = False,
) -> CsMessage:
    """A picture by `url` or by the id of an upload, exactly one of them, with an optional caption."""
    return _template(user_id, Payload("media", (_media("image", url, attachment_id, allow_insecure),)), text)


def gif(
    user_id: str,
    width: int,
    height: int,
    *,
    url: str | None = None,
    attachment_id: str | None = None,
    text: str | None = None,
    allow_insecure: bool = False,
) -> CsMessage:
    """A moving picture; Zalo wants its size in pixels."""
    for name, pixels in (("width", width), ("height", height)):
        if pixels < 1:
            raise MessageInvalid(name, f"{pixels}: expected a number of pixels above 0")
    element = msgspec.structs.replace(_media("gif", url, attachment_id, allow_insecure), width=width, height=height)
    return _template(user_id, Payload("media", (element,)), text)


def sticker(user_id: str, attachment_id: str) -> CsMessage:
    """A sticker of Zalo's collection by its id."""
    return _template(user_id, Payload("media", (_media("sticker", None, attachment_id, allow_insecure=False),)))


def file(user_id: str, token: str) -> CsMessage:
    """A document by the token of its upload (valid for seven days)."""
    if not token or len(token) > PAYLOAD_LIMIT:
        raise MessageInvalid("token", "expected the token of an upload", length=len(token), limit=PAYLOAD_LIMIT)
    return _to(user_id, Body(attachment=Attachment("file", Payload(token=token))))


def element(title: str, subtitle: str = "", image_url: str | None = None, *, action: Button | None = None) -> Element:
    """A line of a list; `action` is what a tap does, given as the button that would do it (its title is not shown)."""
    return Element(
        title=check_line("element title", title, TITLE_LIMIT),
        subtitle=check_line("element subtitle", subtitle, SUBTITLE_LIMIT) if subtitle else None,
        image_url=check_url("element image_url", image_url, allow_insecure=False) if image_url else None,
        default_action=_action(action) if action else None,
    )


def list_(user_id: str, elements: Sequence[Element], buttons: Sequence[Button] = ()) -> CsMessage:
    """A list of 1 to 4 elements. Whether the third version of the API takes it everywhere is not proven: see docs/zalo.md."""
    if not 1 <= len(elements) <= LIST_LIMIT:
        given = len(elements)
        raise MessageInvalid("elements", f"{given} given, expected 1 to {LIST_LIMIT}", length=given, limit=LIST_LIMIT)
    return _template(user_id, Payload("list", tuple(elements), _buttons(buttons) or None))


# --- limits ---------------------------------------------------------------------------------------------------------------


def _to(user_id: str, body: Body) -> CsMessage:
    return CsMessage(Recipient(check_id("user_id", user_id)), body)


def _template(user_id: str, payload: Payload, caption: str | None = None) -> CsMessage:
    words = check_line("text", caption, TEXT_LIMIT) if caption else None
    return _to(user_id, Body(text=words, attachment=Attachment("template", payload)))


def _media(kind: MediaType, url: str | None, attachment_id: str | None, allow_insecure: bool) -> Element:
    if (url is None) == (attachment_id is None):
        raise MessageInvalid(kind, "expected either url or attachment_id")
    if url is not None:
        return Element(media_type=kind, url=check_url("url", url, allow_insecure))
    if not attachment_id or len(attachment_id) > PAYLOAD_LIMIT:
        raise MessageInvalid(
            "attachment_id", "expected the id of an upload", length=len(attachment_id or ""), limit=PAYLOAD_LIMIT
        )
    return Element(media_type=kind, attachment_id=attachment_id)


def _action(button: Button) -> Action:
    if isinstance(button.payload, str):
        return Action(button.type, payload=button.payload)
    if button.payload.url is None:
        raise MessageInvalid("element action", f"{button.type}: expected a query or a page to open")
    return Action(button.type, url=button.payload.url)


def _buttons(buttons: Sequence[Button]) -> tuple[Button, ...]:
    given = len(buttons)
    if given > BUTTON_LIMIT:
        raise MessageInvalid(
            "buttons", f"{given} given, at most {BUTTON_LIMIT} allowed", length=given, limit=BUTTON_LIMIT
        )
    return tuple(buttons)


def _writable(field: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MessageInvalid(
            field, "holds half of a character (a lone surrogate), which can't be sent", length=len(value)
        ) from None


def check_line(field: str, value: str, limit: int) -> str:
    """`value` tidied, when it is something and not too long."""
    _writable(field, value)
    kept = tidy(value)
    if not kept:
        raise MessageInvalid(field, "is empty", length=0, limit=limit)
    if len(kept) > limit:
        raise MessageInvalid(field, f"{len(kept)} characters, at most {limit} allowed", length=len(kept), limit=limit)
    return kept


def check_id(field: str, value: str) -> str:
    """`value` when it can be an id of Zalo's."""
    if not value or len(value) > ID_LIMIT or not value.isprintable() or " " in value:
        raise MessageInvalid(field, "expected an id as Zalo wrote it", length=len(value), limit=ID_LIMIT)
    return value


def check_url(field: str, value: str, allow_insecure: bool) -> str:
    """`value` when Zalo opens it: https alone, http to this machine when `allow_insecure`."""
    if len(value) > URL_LIMIT:
        raise MessageInvalid(
            field, f"{len(value)} characters, at most {URL_LIMIT} allowed", length=len(value), limit=URL_LIMIT
        )
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or not value.isprintable() or " " in value or parts.username is not None:
        raise MessageInvalid(
            field, "expected a full address like https://tinh.gov.vn/trang", length=len(value), limit=URL_LIMIT
        )
    if parts.scheme == "https" or (allow_insecure and parts.scheme == "http" and host in _LOCAL_HOSTS):
        return value
    raise MessageInvalid(field, f'scheme "{parts.scheme}": Zalo opens https alone', length=len(value), limit=URL_LIMIT)


def phone_code(field: str, value: str) -> str:
    """The digits Zalo wants: 84 and the number without its 0, short numbers as they are."""
    digits = _PHONE_NOISE.sub("", value).removeprefix("+")
    if digits.startswith("0"):
        digits = f"84{digits[1:]}"
    if not _PHONE.fullmatch(digits):
        raise MessageInvalid(field, "expected a number like 0912345678, +84912345678 or 1022", length=len(value))
    return digits
