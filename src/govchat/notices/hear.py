"""What one-stop systems hear of notices: delivered, refused by Zalo, reached nobody. Ids and codes, no names or numbers."""

from datetime import datetime
from uuid import UUID

import msgspec

DELIVERED, REFUSED, UNREACHED = "notice.delivered", "notice.refused", "notice.unreached"


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `notice.delivered`: the citizen's phone has it."""

    notice_id: UUID
    dossier_code: str
    change_number: int
    notice_kind: str
    channel: str
    at: datetime


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `notice.refused`: Zalo did not take it on this channel; `next_channel` is tried now, None: there is none."""

    notice_id: UUID
    dossier_code: str
    change_number: int
    notice_kind: str
    channel: str
    zalo_code: int | None
    reason: str
    next_channel: str | None


class Unreached(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `notice.unreached`: no channel is open, the office has to reach them otherwise. `against` says why, channel by channel."""

    notice_id: UUID
    dossier_code: str
    change_number: int
    notice_kind: str
    reason: str
    against: dict[str, str]
