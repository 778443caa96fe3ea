"""Offices for sample dossiers: which one handles a procedure, what it is called, and its number in dossier codes.

Commune names are invented; a province has the same ones on every machine. Departments keep one number everywhere.
"""

from typing import NamedTuple
from zlib import crc32

from govchat.procedures.catalogue import Procedure

# Names that many communes bear; ward (phường) or commune (xã) is decided per province.
_COMMUNES = (
    "An_Bình An_Hòa An_Phú Bình_An Bình_Hòa Bình_Minh Đại_Đồng Đông_Hòa Đồng_Tâm Hòa_Bình Hòa_Phú Hưng_Thịnh Long_Sơn "
    "Minh_Đức Mỹ_Hòa Nghĩa_Hưng Phú_Hòa Phú_Lộc Phú_Xuân Phước_Hòa Quang_Minh Sơn_Hà Tân_An Tân_Hòa Tân_Hưng Tân_Lập "
    "Tân_Phú Tân_Thành Thanh_Bình Thanh_Sơn Thống_Nhất Tiền_Phong Trung_Sơn Vĩnh_Hòa Xuân_Lộc Yên_Bình"
)
COMMUNES = tuple(name.replace("_", " ") for name in _COMMUNES.split())

_LAND, _TRAFFIC, _CULTURE = (
    "Chi nhánh Văn phòng đăng ký đất đai",
    "Phòng Cảnh sát giao thông",
    "Sở Văn hóa, Thể thao và Du lịch",
)

# The department that handles a field at province level, with its number in codes; the land registry's 12 is the README's.
_DEPARTMENTS = {
    "Hộ tịch": (11, "Sở Tư pháp"),
    "Quốc tịch": (11, "Sở Tư pháp"),
    "Đất đai": (12, _LAND),
    "Đăng ký biện pháp bảo đảm": (12, _LAND),
    "Hoạt động xây dựng": (13, "Sở Xây dựng"),
    "Du lịch": (14, _CULTURE),
    "Văn hóa": (14, _CULTURE),
    "Thành lập và hoạt động của doanh nghiệp": (15, "Sở Tài chính"),
    "Việc làm": (16, "Sở Nội vụ"),
    "Văn bằng, chứng chỉ": (17, "Sở Giáo dục và Đào tạo"),
    "An toàn thực phẩm": (18, "Sở Y tế"),
    "Cấp, quản lý căn cước": (19, "Phòng Cảnh sát quản lý hành chính về trật tự xã hội"),
    "Sát hạch, cấp giấy phép lái xe": (20, _TRAFFIC),
    "Đăng ký, quản lý phương tiện giao thông cơ giới, xe máy chuyên dùng": (20, _TRAFFIC),
    "Quản lý xuất nhập cảnh": (21, "Phòng Quản lý xuất nhập cảnh"),
    "Lý lịch tư pháp": (22, "Phòng Hồ sơ, Công an cấp tỉnh"),
}

# Petitions: who complains or denounces is protected, so no sample shows one.
_PROTECTED = {"Giải quyết khiếu nại", "Giải quyết tố cáo", "Tiếp công dân"}


class Office(NamedTuple):
    """A department (`fixed` its number, `title` its name) or, without number, a commune's office."""

    title: str
    fixed: int = 0

    def number(self, slug: str, commune: int) -> str:
        """The office's group in a dossier code: two digits for departments, three for communes."""
        return str(self.fixed) if self.fixed else str(101 + _turned(slug, commune))

    def name(self, slug: str, commune: int) -> str:
        """What the citizen reads: `Sở Xây dựng`, `Ủy ban nhân dân phường Tân An`."""
        if self.fixed:
            return self.title
        place = _turned(slug, commune)
        kind = "phường" if (place * 7 + len(slug)) % 3 == 0 else "xã"
        return f"{self.title} {kind} {COMMUNES[place]}"


def office_of(procedure: Procedure) -> Office | None:
    """Who handles a procedure in a province; None for what only a ministry does and for petitions."""
    if procedure.field in _PROTECTED or not {"commune", "province"} & set(procedure.levels):
        return None
    department = _DEPARTMENTS.get(procedure.field)
    registry = any("đăng ký đất đai" in agency for agency in procedure.agencies)
    in_commune = "commune" in procedure.levels
    if department and "province" in procedure.levels and not any("cấp xã" in agency for agency in procedure.agencies):
        in_commune = False
    if department and (registry or not in_commune):
        return Office(department[1], department[0])
    if "Công an cấp xã" in procedure.agencies:
        return Office("Công an")
    return Office("Ủy ban nhân dân") if in_commune else None


def _turned(slug: str, commune: int) -> int:
    return (commune + crc32(slug.encode())) % len(COMMUNES)
