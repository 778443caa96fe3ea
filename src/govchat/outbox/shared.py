"""One body for all recipients of a campaign: sealed once, made each recipient's own when it is said.

A million rows name it; none of them carries a copy. `Body` says it as a consultation message, as an approved template, or both; which of
the two a recipient gets is decided when they are claimed.
"""

from collections.abc import Mapping
from functools import lru_cache
from uuid import UUID

import msgspec

from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import phrases
from govchat.outbox.claim import Claimed, Shared
from govchat.zalo.messages import CsMessage, Recipient
from govchat.zalo.outgoing import Outgoing
from govchat.zalo.templates import UidTemplate

# A recipient that no account of Zalo's can be: what a shared body is addressed to until it is said.
NOBODY = "0"
ROOM = "govchat.outbox"
FIELDS = ("ten", "xa")
LONGEST_FIELD = 60


def instead() -> dict[str, str]:
    """What a field reads where nothing is known, in the words that are laid over the product's (`kit.phrases.overlaid`)."""
    said = phrases(ROOM)
    return {name: said[f"instead_{name}"] for name in FIELDS}


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said, addressed to nobody. At least one of both. `longest` is what Zalo takes of the template's parameters, in characters;
    `instead` what the province says in place of a field of which nothing is known, where that differs from the product's."""

    cs: CsMessage | None = None
    uid: UidTemplate | None = None
    longest: dict[str, int] = {}
    instead: dict[str, str] = {}


# Read once: what is said to a million recipients looks nothing up.
_PRODUCTS = instead()
_decoder = msgspec.json.Decoder(Body)


def seal(vault: TenantVault, body_ref: UUID, body: Body) -> bytes:
    """The body as its row keeps it."""
    return vault.seal(msgspec.json.encode(body), _context(body_ref))


def unseal(vault: TenantVault, body_ref: UUID, sealed: bytes) -> Body:
    """The body of a row; raises `SealBroken`, `msgspec.MsgspecError`."""
    return _decoder.decode(vault.open(sealed, _context(body_ref)))


# As many bodies as a process may have messages of on their way: each belongs to another campaign where many provinces send at once.
@lru_cache(maxsize=512)
def _unsealed(vault: TenantVault, body_ref: UUID, sealed: bytes) -> Body:
    """`unseal` once for the many recipients that follow each other."""
    return unseal(vault, body_ref, sealed)


def _context(body_ref: UUID) -> str:
    return f"outbox_bodies.body/{body_ref}"


def seal_fields(vault: TenantVault, list_id: UUID, citizen_id: UUID, fields: Mapping[str, str]) -> bytes:
    """What a list says of one citizen."""
    return vault.seal(msgspec.json.encode(fields), _fields_context(list_id, citizen_id))


def _fields_context(list_id: UUID, citizen_id: UUID) -> str:
    return f"audience_members.fields/{list_id}/{citizen_id}"


def compose(vault: TenantVault, claimed: Claimed, shared: Shared) -> Outgoing:
    """The message of one recipient; raises `SealBroken`, `msgspec.MsgspecError`, `ValueError` for a body without that way."""
    body = _unsealed(vault, shared.body_ref, claimed.body_sealed)
    values = {**_PRODUCTS, **body.instead}
    if shared.commune:
        values["xa"] = shared.commune
    if shared.fields_sealed is not None and shared.list_id is not None:
        told = vault.open(shared.fields_sealed, _fields_context(shared.list_id, claimed.citizen_id))
        values.update(msgspec.json.decode(told, type=dict[str, str]))
    if shared.channel == "uid":
        if body.uid is None:
            raise ValueError("the body has no template")
        # A long name is cut rather than refused: Zalo takes 30 characters of one.
        data = {name: fill(value, values)[: body.longest.get(name)] for name, value in body.uid.template_data.items()}
        return UidTemplate(shared.user_id, body.uid.template_id, data)
    if body.cs is None:
        raise ValueError("the body has no consultation message")
    message = body.cs.message
    if message.text:
        message = msgspec.structs.replace(message, text=fill(message.text, values))
    return CsMessage(Recipient(shared.user_id), message)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its fields `{ten}`, `{xa}` replaced."""
    if "{" in text:
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value[:LONGEST_FIELD])
    return text
