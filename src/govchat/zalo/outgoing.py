"""Whatever can be said to one citizen, as the outbox keeps it: a consultation message, or a template to a user id or a telephone number.

A consultation message is stored as the very JSON that goes over the wire; a template is wrapped with the name of its channel.
"""

import msgspec

from govchat.zalo import messages
from govchat.zalo.messages import CsMessage
from govchat.zalo.templates import PhoneTemplate, UidTemplate

Outgoing = CsMessage | UidTemplate | PhoneTemplate


class _Uid(msgspec.Struct, frozen=True, tag_field="template_by", tag="uid"):
    body: UidTemplate


class _Phone(msgspec.Struct, frozen=True, tag_field="template_by", tag="phone"):
    body: PhoneTemplate


_WRAPPED = b'{"template_by":'
_wrapped: msgspec.json.Decoder[_Uid | _Phone] = msgspec.json.Decoder(_Uid | _Phone)


def encode(message: Outgoing) -> bytes:
    """What the outbox keeps."""
    match message:
        case UidTemplate():
            return msgspec.json.encode(_Uid(message))
        case PhoneTemplate():
            return msgspec.json.encode(_Phone(message))
        case _:
            return messages.encode(message)


def decode(body: bytes) -> Outgoing:
    """A message as `encode` wrote it; raises `msgspec.ValidationError` for anything else."""
    return _wrapped.decode(body).body if body.startswith(_WRAPPED) else messages.decode(body)


def echoed_text(message: Outgoing) -> str | None:
    """The text by which Zalo's echo and history recognise a message; None for templates, whose text Zalo alone knows.

    Neither echo nor history proves anything of a template: receipts do, by tracking id or Zalo's message id.
    """
    return message.plain_text if isinstance(message, CsMessage) else None
