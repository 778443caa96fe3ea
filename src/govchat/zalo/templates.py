"""Approved template messages (ZBS): to a citizen of the OA by user id, or to a telephone number; and what Zalo tells of templates.

Like `messages`: builders that refuse here what Zalo would refuse, structs in the shape that goes over the wire. Zalo's descriptions
are read tolerantly: numbers come as texts, and fields may be missing.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from govchat.zalo.errors import MessageInvalid
from govchat.zalo.messages import check_id, phone_code
from govchat.zalo.parse import as_int, as_text
from govchat.zalo.split import tidy

TRACKING_LIMIT = 48


class UidTemplate(msgspec.Struct, frozen=True):
    """Body of `POST openapi…/v3.0/oa/message/template`. It carries no tracking id: keep the message id it is answered with."""

    user_id: str
    template_id: str
    template_data: dict[str, str]

    def __repr__(self) -> str:
        return f"<UidTemplate {self.template_id}>"


class PhoneTemplate(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of `POST business…/message/template`."""

    phone: str
    template_id: str
    template_data: dict[str, str]
    tracking_id: str
    mode: Literal["development"] | None = None
    sending_mode: Literal["1", "3"] | None = None

    def __repr__(self) -> str:
        return f"<PhoneTemplate {self.template_id} {self.tracking_id}>"


def by_uid(user_id: str, template_id: str, template_data: Mapping[str, str]) -> UidTemplate:
    """A template to a citizen whom this OA knows."""
    return UidTemplate(check_id("user_id", user_id), check_id("template_id", template_id), _values(template_data))


def by_phone(
    phone: str,
    template_id: str,
    template_data: Mapping[str, str],
    tracking_id: str,
    *,
    development: bool = False,
    sending_mode: Literal["1", "3"] | None = None,
) -> PhoneTemplate:
    """A template to a telephone number; `tracking_id` (at most 48 characters) comes back in receipts and deduplicates nothing.

    `development` sends free of charge to administrators alone; never set it for citizens.
    """
    if not tracking_id or len(tracking_id) > TRACKING_LIMIT or not tracking_id.isprintable():
        raise MessageInvalid(
            "tracking_id",
            f"expected 1 to {TRACKING_LIMIT} printable characters",
            length=len(tracking_id),
            limit=TRACKING_LIMIT,
        )
    number = phone_code("phone", phone)
    if not number.startswith("84"):
        raise MessageInvalid("phone", "expected a number like 0912345678 or +84912345678", length=len(phone))
    mode: Literal["development"] | None = "development" if development else None
    return PhoneTemplate(
        number, check_id("template_id", template_id), _values(template_data), tracking_id, mode, sending_mode
    )


def _values(data: Mapping[str, str]) -> dict[str, str]:
    if not data:
        raise MessageInvalid("template_data", "is empty", length=0)
    kept = {}
    for name, value in data.items():
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise MessageInvalid(
                f"template_data.{name}", "holds half of a character (a lone surrogate)", length=len(value)
            )
        kept[name] = tidy(value)
    return kept


# --- what Zalo tells of templates -----------------------------------------------------------------------------------------


class Param(msgspec.Struct, frozen=True, omit_defaults=True):
    """A parameter of a template; lengths in characters. `type` is Zalo's word: NAME, CODE, DATE, STATUS …"""

    name: str
    type: str = ""
    max_length: int | None = None
    min_length: int = 0
    required: bool = True


class TemplateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A template as Zalo describes it. Prices in đồng; None: the template has no such variant, or Zalo did not say."""

    template_id: str
    name: str
    status: str
    quality: str = "UNDEFINED"
    tag: str = ""
    params: tuple[Param, ...] = ()
    price_uid: int | None = None
    price_phone: int | None = None


class TemplateQuota(msgspec.Struct, frozen=True):
    """How many template messages by telephone number Zalo allows today, and how many are left."""

    daily: int | None
    remaining: int | None


# The list names a status by number or by word, depending on the page.
_STATUS = {"1": "ENABLE", "2": "PENDING_REVIEW", "3": "REJECT", "4": "DISABLE"}


def read_info(data: Mapping[str, Any]) -> TemplateInfo | None:
    """None when no template id is in it."""
    template_id = as_text(data.get("templateId"))
    if not template_id:
        return None
    status = as_text(data.get("status")) or ""
    params = data.get("listParams")
    return TemplateInfo(
        template_id=template_id,
        name=as_text(data.get("templateName")) or "",
        status=_STATUS.get(status, status),
        quality=as_text(data.get("templateQuality")) or "UNDEFINED",
        tag=as_text(data.get("templateTag")) or "",
        params=tuple(filter(None, map(_param, params))) if isinstance(params, list) else (),
        price_uid=_price(data.get("price_uid")),
        price_phone=_price(data.get("price_sdt")) if data.get("price_sdt") is not None else _price(data.get("price")),
    )


def _param(given: object) -> Param | None:
    name = as_text(given.get("name")) if isinstance(given, dict) else None
    if not name or not isinstance(given, dict):
        return None
    return Param(
        name,
        as_text(given.get("type")) or "",
        as_int(as_text(given.get("maxLength"))),
        as_int(as_text(given.get("minLength"))) or 0,
        given.get("require") is not False and as_text(given.get("require")) not in ("false", "0"),
    )


def _price(given: object) -> int | None:
    """Đồng; a fraction is rounded up, so that a budget is never overdrawn."""
    text = as_text(given)
    try:
        return -int(-float(text) // 1) if text else None
    except ValueError:
        return None
