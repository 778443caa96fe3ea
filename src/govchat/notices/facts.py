"""A change as facts to be said: times in Vietnam, long texts cut, nothing where nothing is known."""

from datetime import datetime

from govchat.kit.clock import VN
from govchat.notices.change import Change

LONGEST = {"note": 500, "procedure": 200, "results": 300, "unit": 150, "officer": 80, "applicant": 80, "step": 300}

# Short enough for a template's status parameter (30 characters, docs/zalo.md); the full names are the dossiers'.
STATUS = {
    1: "Mới đăng ký",
    2: "Đã tiếp nhận",
    3: "Không được tiếp nhận",
    4: "Đang xử lý",
    5: "Cần bổ sung giấy tờ",
    6: "Cần nộp nghĩa vụ tài chính",
    7: "Đã rút hồ sơ",
    8: "Dừng xử lý",
    9: "Đã có kết quả",
    10: "Đã trả kết quả",
}


def facts_of(change: Change) -> dict[str, str]:
    """What is known, by the names of `kinds.FIELDS`."""
    known: dict[str, str | None] = {
        "code": change.code,
        "status": STATUS[change.status],
        "changed": moment(change.changed_at),
        "received": moment(change.received_at),
        "unit": change.unit,
        "officer": change.officer,
        "due": moment(change.due_at) if change.due_at else None,
        "due_day": f"{change.due_at.astimezone(VN):%d/%m/%Y}" if change.due_at else None,
        "procedure": change.procedure_name,
        "applicant": change.applicant_name,
        "note": change.note,
        "step": change.step,
        "results": ", ".join(change.results) or None,
    }
    return {name: cut(value, LONGEST.get(name, 100)) for name, text in known.items() if (value := _tidy(text))}


def moment(at: datetime) -> str:
    """`14:30 ngày 22/11/2026`, in Vietnamese time."""
    return f"{at.astimezone(VN):%H:%M ngày %d/%m/%Y}"


def cut(text: str, longest: int) -> str:
    """`text`, cut at a word with an ellipsis when it is longer."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    head = kept.rpartition(" ")[0]
    return (head if len(head) > longest // 2 else kept).rstrip(" ,;:.") + "…"


def _tidy(text: str | None) -> str:
    return " ".join((text or "").split())
