"""Sample ZBS templates every OA owns, and the reading of `template_data` against their parameters.

Enough to try every path: sendable by UID and phone, phone alone, waiting for review, promotion, rating.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from govchat.simulator.refusals import Refusal

ENABLE, PENDING, REJECT, DISABLE = 1, 2, 3, 4
STATUS_NAMES = {ENABLE: "ENABLE", PENDING: "PENDING_REVIEW", REJECT: "REJECT", DISABLE: "DISABLE"}

# Longest value by type of parameter (fact sheet §5).
LONGEST = {
    "NAME": 30,
    "PHONE": 15,
    "ADDRESS": 200,
    "CODE": 30,
    "CUSTOM_LABEL": 30,
    "STATUS": 30,
    "CONTACT": 50,
    "DATE": 20,
    "NUMBER": 20,
    "URL": 200,
}


@dataclass(frozen=True, slots=True)
class Template:
    """`params`: name and type; `tag` 1 transaction, 2 care, 3 promotion; `kind` 1 custom … 5 rating; prices in đồng."""

    id: str
    name: str
    title: str
    body: str
    params: tuple[tuple[str, str], ...]
    tag: int = 1
    kind: int = 1
    status: int = ENABLE
    by_uid: bool = True
    at_night: bool = True
    quality: str = "HIGH"
    price_phone: int = 800
    price_uid: int = 560
    quota: int | None = None  # messages a day, by user id and by phone together

    def filled(self, data: Mapping[str, str]) -> str:
        """The text on the phone."""
        return re.sub(r"<(\w+)>", lambda found: data.get(found[1], ""), f"{self.title}\n{self.body}")

    def listed(self) -> dict[str, Any]:
        return {
            "templateId": int(self.id),
            "templateName": self.name,
            "createdTime": 1767225600000,
            "status": STATUS_NAMES[self.status],
            "templateQuality": self.quality if self.status == ENABLE else "UNDEFINED",
        }

    def detailed(self) -> dict[str, Any]:
        return {
            **self.listed(),
            "listParams": [
                {
                    "name": name,
                    "require": True,
                    "type": kind,
                    "maxLength": LONGEST[kind],
                    "minLength": 1,
                    "acceptNull": False,
                }
                for name, kind in self.params
            ],
            "listButtons": [],
            "timeout": 7_200_000,
            "previewUrl": "",
            "templateTag": {1: "TRANSACTION", 2: "CUSTOMER_CARE", 3: "PROMOTION"}[self.tag],
            "price": str(self.price_phone),
            "price_sdt": str(self.price_phone),
            "price_uid": str(self.price_uid) if self.by_uid else "",
        }


_CODE = ("ma_ho_so", "CODE")
_NAME = ("ho_ten", "NAME")

SAMPLES: dict[str, Template] = {
    one.id: one
    for one in (
        Template(
            "310001",
            "Tiếp nhận hồ sơ",
            "Hồ sơ đã được tiếp nhận",
            "Kính gửi <ho_ten>, hồ sơ <ma_ho_so> đã được tiếp nhận tại <don_vi>. Ngày hẹn trả: <ngay_hen>.",
            (_NAME, _CODE, ("don_vi", "CONTACT"), ("ngay_hen", "DATE")),
        ),
        Template(
            "310002",
            "Thay đổi trạng thái hồ sơ",
            "Hồ sơ có thay đổi",
            "Kính gửi <ho_ten>, hồ sơ <ma_ho_so> chuyển sang trạng thái: <trang_thai>.",
            (_NAME, _CODE, ("trang_thai", "STATUS")),
        ),
        Template(
            "310003",
            "Mời nhận kết quả",
            "Đã có kết quả hồ sơ",
            "Kính mời <ho_ten> nhận kết quả hồ sơ <ma_ho_so> tại <dia_chi>.",
            (_NAME, _CODE, ("dia_chi", "ADDRESS")),
            at_night=False,
        ),
        Template(
            "310004",
            "Đánh giá sự hài lòng",
            "Mời đánh giá",
            "Mời <ho_ten> đánh giá việc giải quyết hồ sơ <ma_ho_so>.",
            (_NAME, _CODE),
            tag=2,
            kind=5,
            by_uid=False,
        ),
        Template(
            "310005",
            "Nhắc bổ sung hồ sơ",
            "Cần bổ sung hồ sơ",
            "Hồ sơ <ma_ho_so> cần bổ sung.",
            (_CODE,),
            status=PENDING,
        ),
        Template(
            "310006",
            "Giới thiệu dịch vụ công",
            "Dịch vụ công trực tuyến",
            "Mời <ho_ten> dùng dịch vụ mới.",
            (_NAME,),
            tag=3,
        ),
        Template("310007", "Mẫu đã khoá", "Mẫu đã khoá", "Hồ sơ <ma_ho_so>.", (_CODE,), status=DISABLE),
    )
}


def checked(template: Template, given: Any) -> dict[str, str]:
    """`template_data` as it would be printed. Raises `Refusal` with a code of the ZBS table, naming the parameter."""
    if not isinstance(given, dict) or not given:
        raise Refusal(-111)
    names = {name for name, _ in template.params}
    for name in given:
        if name not in names:
            raise Refusal(-132, f"template_data.{name} is not a parameter of template {template.id}")
    for name, kind in template.params:
        value = given.get(name)
        if value is None or value == "":
            raise Refusal(-1122, f"template_data.{name}")
        if not isinstance(value, str):
            raise Refusal(-1124, f"template_data.{name} must be a string")
        if len(value) > LONGEST[kind]:
            raise Refusal(-1121, f"template_data.{name}: {len(value)} characters, at most {LONGEST[kind]}")
    return {name: given[name] for name, _ in template.params}
