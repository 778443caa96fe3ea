"""Approved template messages (ZBS): to a citizen of the OA by user id, or to a telephone number.

Like `messages`: builders that refuse here what Zalo would refuse, structs in the shape that goes over the wire.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from govchat.zalo.errors import MessageInvalid
from govchat.zalo.messages import check_id, phone_code
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
