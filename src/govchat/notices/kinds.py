"""The kinds of notice: which change is which, what each must and may say, and what is urgent.

Nine of them are the messages that Đồng Nai's offices agreed to send in 2025; the rest are what Decree 224/2026 Art. 15(1)(g) and the
one-stop rules add: every change of status, a late acceptance, an apology with a new date, an early result, a missed date.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from govchat.notices.change import Change

# Flags of a change that this room reads; others are left alone.
APOLOGY = frozenset({"reappointed", "apology"})  # the office apologised and named a new date
ACCEPTED_LATE = "accepted_late"  # not accepted within the time for checking: a warning
OVERDUE = "overdue"  # the appointed time has passed
EARLY = "early"  # the result is there before its time
FINANCIAL = "sub:financial_obligation"  # status 6 is a tax or another obligation, not a fee
SUB = "sub:"  # the law's name for where within a status it stands
MOVED = "moved"  # another office has it now, the status is the same
URGENT = "urgent"  # the office says that it can't wait for the morning
CAUSED_BY_CHAT = "caused_by_chat"  # a citizen did this in the chat a moment ago


class Kind(StrEnum):
    """What a notice tells."""

    REGISTERED = "registered"
    RECEIVED = "received"
    REFUSED = "refused"
    PROCESSING = "processing"
    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    FINANCIAL = "financial"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    READY = "ready"
    EARLY = "early"
    HANDED_OVER = "handed_over"
    ACCEPTED_LATE = "accepted_late"
    APOLOGY = "apology"
    OVERDUE = "overdue"
    MOVED = "moved"


BY_STATUS: Mapping[int, Kind] = MappingProxyType(
    {
        1: Kind.REGISTERED,
        2: Kind.RECEIVED,
        3: Kind.REFUSED,
        4: Kind.PROCESSING,
        5: Kind.SUPPLEMENT,
        6: Kind.PAYMENT,
        7: Kind.WITHDRAWN,
        8: Kind.STOPPED,
        9: Kind.READY,
        10: Kind.HANDED_OVER,
    }
)


class Field(msgspec.Struct, frozen=True):
    """A fact that a wording or a template may use. `always`: every change has it; the others may be unknown. `short` is the sample where
    there is little space."""

    what: str
    sample: str
    always: bool = False
    short: str = ""


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "code": Field("mã hồ sơ", "H19.12-261103-0007", always=True),
        "status": Field("tình trạng", "Đang xử lý", always=True),
        "changed": Field("thời điểm thay đổi", "14:30 ngày 22/11/2026", always=True, short="14:30 22/11/2026"),
        "received": Field("thời điểm tiếp nhận", "09:12 ngày 03/11/2026", always=True, short="09:12 03/11/2026"),
        "unit": Field("cơ quan đang giữ hồ sơ", "Sở Xây dựng"),
        "officer": Field("người tiếp nhận, giải quyết", "Trần Văn An"),
        "due": Field("thời điểm hẹn trả kết quả", "17:00 ngày 01/12/2026", short="17:00 01/12/2026"),
        "due_day": Field("ngày hẹn trả kết quả", "01/12/2026"),
        "procedure": Field("tên thủ tục", "Cấp giấy phép xây dựng mới"),
        "applicant": Field("người nộp hồ sơ", "Trịnh Thị Phương Hiền"),
        "note": Field("nội dung, lý do do cơ quan ghi", "Bổ sung bản vẽ mặt bằng có xác nhận"),
        "step": Field(
            "bước đang thực hiện", "Hồ sơ đã chuyển đến cơ quan phối hợp giải quyết theo quy trình liên thông."
        ),
        "results": Field("kết quả", "Giấy phép xây dựng"),
    }
)

# The law asks for office, persons and times in every notice (Decree 224/2026 Art. 15(1)(g)).
_LAW = frozenset({"code", "unit", "officer", "changed"})
_WITH_REASON = _LAW | {"note"}
_WITH_DATES = _LAW | {"received", "due"}

MUST: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.REGISTERED: _LAW,
        Kind.RECEIVED: _WITH_DATES,
        Kind.REFUSED: _WITH_REASON,
        Kind.PROCESSING: _WITH_DATES,
        Kind.SUPPLEMENT: _WITH_REASON | {"received"},
        Kind.PAYMENT: _WITH_REASON | {"received"},
        Kind.FINANCIAL: _WITH_REASON | {"received"},
        Kind.WITHDRAWN: _LAW | {"received"},
        Kind.STOPPED: _WITH_REASON | {"received"},
        Kind.READY: _WITH_DATES | {"results"},
        Kind.EARLY: _WITH_DATES | {"results"},
        Kind.HANDED_OVER: _WITH_DATES | {"results"},
        Kind.ACCEPTED_LATE: _WITH_DATES | {"status"},
        Kind.APOLOGY: _WITH_REASON | {"received", "due"},
        Kind.OVERDUE: _WITH_DATES,
        Kind.MOVED: _WITH_DATES,
    }
)


def kind_of(change: Change) -> Kind | None:
    """What this change is to a citizen; None when nothing worth a message moved (a correction, a repetition)."""
    if change.flags & APOLOGY:
        return Kind.APOLOGY
    if change.old_status != change.status:
        return kind_of_status(change)
    for flag, kind in ((OVERDUE, Kind.OVERDUE), (ACCEPTED_LATE, Kind.ACCEPTED_LATE), (MOVED, Kind.MOVED)):
        if flag in change.flags:
            return kind
    within = any(flag.startswith(SUB) for flag in change.flags)
    return kind_of_status(change) if within else None


def kind_of_status(change: Change) -> Kind:
    """The kind that tells where the dossier stands now."""
    if change.status == 9 and EARLY in change.flags:
        return Kind.EARLY
    if change.status == 6 and FINANCIAL in change.flags:
        return Kind.FINANCIAL
    if change.status in (1, 2) and ACCEPTED_LATE in change.flags:
        return Kind.ACCEPTED_LATE
    return BY_STATUS[change.status]
