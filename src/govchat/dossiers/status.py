"""The ten national statuses of a dossier, as the one-stop systems synchronise them with the National Portal.

The numbers are theirs; label and sentence are what a citizen reads. Statuses 5, 6 and 8 count as paused: the time limit does not
run. A terminal status is left only when somebody reopens the dossier.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec


class Status(msgspec.Struct, frozen=True):
    """One national status: `label` is the official name, `sentence` says to the citizen what it means for them."""

    number: int
    label: str
    sentence: str
    paused: bool = False
    terminal: bool = False
    waits_for_citizen: bool = False

    @property
    def running(self) -> bool:
        """Whether an office is at work and the time limit runs, so that the dossier can be late."""
        return not (self.paused or self.terminal) and self.number != 9


_LIST = (
    Status(1, "Mới đăng ký", "Hồ sơ đã gửi đến cơ quan và đang chờ được tiếp nhận."),
    Status(2, "Được tiếp nhận", "Cơ quan đã nhận hồ sơ và sẽ chuyển đến bộ phận giải quyết."),
    Status(
        3,
        "Không được tiếp nhận",
        "Cơ quan chưa nhận hồ sơ này. Lý do ghi trong phiếu từ chối; anh/chị có thể hỏi lại nơi nộp.",
        terminal=True,
    ),
    Status(4, "Đang xử lý", "Cơ quan đang giải quyết hồ sơ."),
    Status(
        5,
        "Yêu cầu bổ sung giấy tờ",
        "Cơ quan đang chờ anh/chị bổ sung giấy tờ. Nội dung cần bổ sung ghi trong phiếu yêu cầu.",
        paused=True,
        waits_for_citizen=True,
    ),
    Status(
        6,
        "Yêu cầu thực hiện nghĩa vụ tài chính",
        "Cơ quan đang chờ anh/chị nộp khoản phí, lệ phí hoặc thuế đã thông báo.",
        paused=True,
        waits_for_citizen=True,
    ),
    Status(7, "Công dân yêu cầu rút hồ sơ", "Hồ sơ đã được rút theo yêu cầu của người nộp.", terminal=True),
    Status(
        8,
        "Dừng xử lý",
        "Cơ quan đã dừng giải quyết hồ sơ. Lý do ghi trong thông báo gửi người nộp.",
        paused=True,
        terminal=True,
    ),
    Status(9, "Đã xử lý xong", "Đã có kết quả. Mời anh/chị đến nơi nộp hồ sơ để nhận, nhớ mang theo giấy hẹn."),
    Status(10, "Đã trả kết quả", "Kết quả đã được trả cho người nộp.", terminal=True),
)

STATUSES: Mapping[int, Status] = MappingProxyType({status.number: status for status in _LIST})


class SubStatus(msgspec.Struct, frozen=True):
    """A sub-state the law or the national lists know within a status: `label` and `sentence` as for a status."""

    name: str
    of: int
    label: str
    sentence: str


_SUBS = (
    SubStatus(
        "awaiting_confirmation",
        4,
        "Chờ công dân xác nhận dự thảo",
        "Cơ quan đã gửi bản dự thảo kết quả. Anh/chị kiểm tra và xác nhận trong một ngày; quá thời hạn này cơ quan giải quyết tiếp.",
    ),
    SubStatus(
        "with_other_agency",
        4,
        "Đang phối hợp giải quyết",
        "Hồ sơ đã chuyển đến cơ quan phối hợp giải quyết theo quy trình liên thông.",
    ),
    SubStatus("fee", 6, "Yêu cầu nộp phí, lệ phí", "Cơ quan đang chờ anh/chị nộp phí, lệ phí đã thông báo."),
    SubStatus(
        "financial_obligation",
        6,
        "Yêu cầu thực hiện nghĩa vụ tài chính về đất đai, thuế",
        "Cơ quan đang chờ anh/chị thực hiện nghĩa vụ tài chính theo thông báo của cơ quan thuế.",
    ),
)

SUB_STATUSES: Mapping[str, SubStatus] = MappingProxyType({sub.name: sub for sub in _SUBS})
