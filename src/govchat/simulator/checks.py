"""The body of a consultation message, read as strictly as Zalo reads it (fact sheet §3.1).

`spoken` takes the raw body and answers what would appear on the phone, or raises `Refusal` -201 (or -100, -233) naming the field.
Where the sources leave a limit open, the tighter reading is kept: a sender that passes here passes there.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from govchat.simulator.refusals import Refusal

TEXT_MAX = 2000
BUTTONS_MAX = 5
BUTTON_TITLE_MAX = 100
QUERY_MAX = 1000
LIST_MAX = 4
TITLE_MAX = 100
SUBTITLE_MAX = 500

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_json = msgspec.json.Decoder()

# (attachment id, kinds it may be of, field name) → raises when the OA has no such upload
AssetCheck = Callable[[str, tuple[str, ...], str], None]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message that passed. `kind` is the one of the echo event: text, image, gif, sticker, list, file, template."""

    user_id: str
    kind: str
    text: str
    quote: str
    payload: Mapping[str, Any] | None


def json_object(body: bytes, code: int = -201) -> dict[str, Any]:
    """The body as a JSON object. Raises `Refusal(code)`."""
    try:
        given = _json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(code, "body is not valid JSON") from error
    if not isinstance(given, dict):
        raise Refusal(code, "body is not a JSON object")
    return given


def known(given: Mapping[str, Any], allowed: frozenset[str], where: str) -> None:
    """Raises `Refusal` -201 naming the first field that does not belong here."""
    for name in given:
        if name not in allowed:
            raise Refusal(-201, f"{where}{name} is not a field of this message")


def text_of(given: Mapping[str, Any], name: str, where: str, longest: int, required: bool = True) -> str:
    """A string field of bounded length. Raises `Refusal` -201."""
    value = given.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise Refusal(-201, f"{where}{name} must be a string")
    if required and not value.strip():
        raise Refusal(-201, f"{where}{name} is empty")
    # Decomposed letters count singly on the wire: what was not normalised before counting is refused, as on the platform.
    if len(value) > longest or (not value.isascii() and len(unicodedata.normalize("NFC", value)) > longest):
        raise Refusal(-201, f"{where}{name} is longer than {longest} characters")
    return value


def web_address(value: Any, where: str) -> str:
    """An https URL; plain http only on this machine, where development runs. Raises `Refusal` -201."""
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme == "https" and parts.hostname:
            return value
        if parts.scheme == "http" and parts.hostname in _LOOPBACK:
            return value
    raise Refusal(-201, f"{where} must be an https URL")


_TOP = frozenset({"recipient", "message"})
_RECIPIENT = frozenset({"user_id"})
_MESSAGE = frozenset({"text", "attachment", "quote_message_id"})


def spoken(body: bytes, asset: AssetCheck, list_template: bool) -> Spoken:
    """What this body says to whom. Raises `Refusal`."""
    given = json_object(body)
    known(given, _TOP, "")
    recipient, message = given.get("recipient"), given.get("message")
    if not isinstance(recipient, dict):
        raise Refusal(-201, "recipient is missing")
    known(recipient, _RECIPIENT, "recipient.")
    user_id = text_of(recipient, "user_id", "recipient.", 100)
    if not isinstance(message, dict):
        raise Refusal(-201, "message is missing")
    known(message, _MESSAGE, "message.")
    attachment = message.get("attachment")
    text = text_of(message, "text", "message.", TEXT_MAX, required=attachment is None)
    quote = text_of(message, "quote_message_id", "message.", 200, required=False)
    if attachment is None:
        return Spoken(user_id, "text", text, quote, None)
    kind, payload = _attachment(attachment, text, asset, list_template)
    return Spoken(user_id, kind, text, quote, payload)


def _attachment(given: Any, text: str, asset: AssetCheck, list_template: bool) -> tuple[str, Mapping[str, Any]]:
    where = "message.attachment."
    if not isinstance(given, dict):
        raise Refusal(-201, "message.attachment must be an object")
    known(given, frozenset({"type", "payload"}), where)
    payload = given.get("payload")
    if not isinstance(payload, dict):
        raise Refusal(-201, f"{where}payload is missing")
    where += "payload."
    match given.get("type"):
        case "file":
            known(payload, frozenset({"token"}), where)
            token = text_of(payload, "token", where, 500)
            asset(token, ("file",), f"{where}token")
            return "file", {"token": token}
        case "template":
            return _template(payload, text, where, asset, list_template)
        case other:
            raise Refusal(-201, f"message.attachment.type {other!r} is invalid, a picture is a media template")


def _template(
    payload: dict[str, Any], text: str, where: str, asset: AssetCheck, list_template: bool
) -> tuple[str, Mapping[str, Any]]:
    match payload.get("template_type"):
        case None:
            known(payload, frozenset({"buttons"}), where)
            if not text.strip():
                raise Refusal(-201, "message.text is empty: buttons need a text")
            return "text", {"buttons": buttons(payload.get("buttons"), f"{where}buttons")}
        case "media":
            known(payload, frozenset({"template_type", "elements"}), where)
            return _media(_one(payload, where), f"{where}elements[0].", asset)
        case "request_user_info":
            known(payload, frozenset({"template_type", "elements"}), where)
            return "template", {"request_user_info": _form(_one(payload, where), f"{where}elements[0].")}
        case "list" if list_template:
            known(payload, frozenset({"template_type", "elements", "buttons"}), where)
            return "list", _list(payload, where)
        case other:
            raise Refusal(-233, f"template_type {other!r}")


def _one(payload: Mapping[str, Any], where: str) -> dict[str, Any]:
    elements = payload.get("elements")
    if not isinstance(elements, list) or len(elements) != 1 or not isinstance(elements[0], dict):
        raise Refusal(-201, f"{where}elements must hold exactly one object")
    return elements[0]


def _media(element: dict[str, Any], where: str, asset: AssetCheck) -> tuple[str, Mapping[str, Any]]:
    known(element, frozenset({"media_type", "url", "attachment_id", "width", "height"}), where)
    kind = element.get("media_type")
    if kind not in ("image", "gif", "sticker"):
        raise Refusal(-201, f"{where}media_type {kind!r} is invalid")
    url, attachment_id = element.get("url"), element.get("attachment_id")
    if (url is None) == (attachment_id is None):
        raise Refusal(-201, f"{where}url or {where}attachment_id: exactly one of them")
    if kind == "sticker" and attachment_id is None:
        raise Refusal(-201, f"{where}attachment_id is missing")
    if kind == "gif":
        for side in ("width", "height"):
            if type(element.get(side)) is not int or element[side] < 1:
                raise Refusal(-201, f"{where}{side} must be a positive number for a gif")
    if url is not None:
        return kind, {"url": web_address(url, f"{where}url")}
    given = text_of(element, "attachment_id", where, 500)
    if kind != "sticker":  # stickers are Zalo's own, no upload of the OA
        asset(given, (kind,), f"{where}attachment_id")
    return kind, {"attachment_id": given}


def _form(element: dict[str, Any], where: str) -> dict[str, Any]:
    known(element, frozenset({"title", "subtitle", "image_url"}), where)
    return {
        "title": text_of(element, "title", where, TITLE_MAX),
        "subtitle": text_of(element, "subtitle", where, SUBTITLE_MAX),
        "image_url": web_address(element.get("image_url"), f"{where}image_url"),
    }


def _list(payload: Mapping[str, Any], where: str) -> dict[str, Any]:
    elements = payload.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= LIST_MAX:
        raise Refusal(-201, f"{where}elements must hold 1 to {LIST_MAX} objects")
    shown: list[dict[str, Any]] = []
    for index, element in enumerate(elements):
        here = f"{where}elements[{index}]."
        if not isinstance(element, dict):
            raise Refusal(-201, f"{here} must be an object")
        known(element, frozenset({"title", "subtitle", "image_url", "default_action"}), here)
        item: dict[str, Any] = {
            "title": text_of(element, "title", here, TITLE_MAX),
            "subtitle": text_of(element, "subtitle", here, SUBTITLE_MAX, required=index == 0),
        }
        if index == 0 or element.get("image_url") is not None:
            item["image_url"] = web_address(element.get("image_url"), f"{here}image_url")
        action = element.get("default_action")
        if action is not None:
            item["default_action"] = _list_action(action, here)
        shown.append(item)
    found: dict[str, Any] = {"elements": shown}
    if payload.get("buttons"):
        found["buttons"] = buttons(payload["buttons"], f"{where}buttons")
    return found


def _list_action(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Refusal(-201, f"{where}default_action must be an object")
    if given.get("type") == "oa.open.url":  # here the address stands beside the type, not in a payload
        known(given, frozenset({"type", "url"}), f"{where}default_action.")
        return {"type": "oa.open.url", "payload": {"url": web_address(given.get("url"), f"{where}default_action.url")}}
    return {"type": given.get("type"), "payload": _tap(given, f"{where}default_action.")}


def buttons(given: Any, where: str) -> list[dict[str, Any]]:
    """One to five buttons. Raises `Refusal` -201; one bad button refuses the whole message."""
    if not isinstance(given, list) or not given:
        raise Refusal(-201, f"{where} must be a list of buttons")
    if len(given) > BUTTONS_MAX:
        raise Refusal(-201, f"{where}: {len(given)} buttons, at most {BUTTONS_MAX}")
    shown = []
    for index, button in enumerate(given):
        here = f"{where}[{index}]."
        if not isinstance(button, dict):
            raise Refusal(-201, f"{here} must be an object")
        known(button, frozenset({"title", "type", "payload", "image_icon"}), here)
        title = text_of(button, "title", here, BUTTON_TITLE_MAX)
        shown.append({"title": title, "type": button.get("type"), "payload": _tap(button, here)})
    return shown


def _tap(button: Mapping[str, Any], where: str) -> Any:
    payload = button.get("payload")
    kind = button.get("type")
    if kind in ("oa.query.show", "oa.query.hide"):
        return text_of(button, "payload", where, QUERY_MAX)
    fields = {
        "oa.open.url": frozenset({"url"}),
        "oa.open.sms": frozenset({"content", "phone_code"}),
        "oa.open.phone": frozenset({"phone_code"}),
    }.get(str(kind))
    if fields is None:
        raise Refusal(-201, f"{where}type {kind!r} is invalid")
    if not isinstance(payload, dict):
        raise Refusal(-201, f"{where}payload must be an object")
    known(payload, fields, f"{where}payload.")
    if kind == "oa.open.url":
        return {"url": web_address(payload.get("url"), f"{where}payload.url")}
    phone = text_of(payload, "phone_code", f"{where}payload.", 15)
    if not phone.isdecimal() or not phone.startswith("84"):
        raise Refusal(-201, f"{where}payload.phone_code must start with 84 and hold digits only")
    return {name: text_of(payload, name, f"{where}payload.", QUERY_MAX) for name in sorted(fields)}
