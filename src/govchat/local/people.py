"""Synthetic people for sample dossiers: names, phone numbers and identity numbers that belong to nobody.

Everybody is computed from the province's code and a number, so that a province always has the same people and no two
provinces share one. Phones are 0999 + the province's H number + four digits: valid in shape, and no operator's range is
known to begin with 0999.
"""

import re
from functools import cache, lru_cache

import msgspec

PEOPLE_PER_PROVINCE = 10_000


def _words(text: str) -> tuple[str, ...]:
    """The words of a list; `_` stands for a blank inside one."""
    return tuple(word.replace("_", " ") for word in text.split())


# Common names as often as they are met, so that a list of applicants looks like one.
FAMILY = _words(
    "Nguyễn " * 18
    + "Trần " * 7
    + "Lê " * 6
    + "Phạm " * 4
    + "Huỳnh " * 3
    + "Hoàng Phan Vũ Võ Đặng Bùi " * 2
    + "Đỗ Hồ Ngô Dương Lý Đinh "
    "Trịnh Mai Tô Cao Lương Châu Tạ Hà Đoàn Lâm Trương Phùng Quách Tăng Vương Nông Lò Vi Thạch Danh Triệu Kiều Thái La Từ"
)

MEN_MIDDLE = _words(
    "Văn Hữu Đức Minh Quốc Công Thanh Xuân Ngọc Đình Quang Trọng Gia Tuấn Anh Hoàng Bá Thế Duy Nhật Việt Khắc"
)
MEN_GIVEN = _words(
    "An Bảo Bình Chiến Cường Dũng Duy Đạt Điền Đông Giang Hải Hào Hiếu Hòa Hùng Huy Khánh Khoa Kiên Lâm Long Lộc Mạnh Nam "
    "Nghĩa Nhân Phong Phú Phúc Quân Quý Sơn Tài Tâm Thắng Thành Thiện Thịnh Tiến Toàn Trí Trung Tú Tùng Vinh Vũ Vượng Ánh"
)

WOMEN_MIDDLE = _words(
    "Thị Thị Thị_Ngọc Thị_Thanh Thị_Phương Thị_Kim Thị_Mỹ Thị_Thu Ngọc Thu Thanh Minh Bích Diệu Hồng Kim Mai Như Phương "
    "Thùy Tường Quỳnh"
)
WOMEN_GIVEN = _words(
    "Anh Ánh Bình Châu Chi Cúc Diễm Dung Duyên Đào Giang Hà Hạnh Hằng Hân Hậu Hiền Hoa Hồng Huệ Hương Huyền Khuê Lan Liên "
    "Linh Loan Ly Mai My Nga Ngân Nguyệt Nhi Nhung Nương Oanh Phượng Quyên Sương Tâm Thảo Thơ Thủy Thư Trâm Trang Trinh "
    "Tuyết Uyên Vân Xuân Yến"
)

# The H codes of 2020 in order, H01 to H63, and the three-digit code with which identity numbers issued there begin.
_IDENTITY_PREFIXES = _words(
    "089 024 006 095 027 077 083 052 074 070 060 096 092 004 066 067 048 011 075 087 064 002 030 031 035 001 042 017 079 "
    "093 033 056 091 062 012 068 020 010 080 036 040 037 058 025 054 044 049 051 022 045 094 014 072 034 019 038 046 082 "
    "084 008 086 026 015"
)


class Applicant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The person a dossier belongs to (chủ hồ sơ)."""

    name: str
    phone: str
    id_number: str


@cache
def identity_prefix(h_code: str) -> str:
    """The first three digits of identity numbers from a province: `H19` → `075`; raises ValueError for an unknown code."""
    if not re.fullmatch(r"H\d\d", h_code, re.ASCII) or not 1 <= int(h_code[1:]) <= len(_IDENTITY_PREFIXES):
        raise ValueError(f'H code "{h_code}": expected H01 to H{len(_IDENTITY_PREFIXES)}')
    return _IDENTITY_PREFIXES[int(h_code[1:]) - 1]


@lru_cache(maxsize=PEOPLE_PER_PROVINCE)
def person(h_code: str, number: int) -> Applicant:
    """Person `number` (0 to 9,999) of the province with this code; an adult with a name, a phone and an identity number."""
    prefix = identity_prefix(h_code)
    seed = _scatter(int(h_code[1:]) * PEOPLE_PER_PROVINCE + number)
    year = 1950 + seed % 58
    woman = seed // 58 % 2
    rest = seed // 116
    middle, given = (WOMEN_MIDDLE, WOMEN_GIVEN) if woman else (MEN_MIDDLE, MEN_GIVEN)
    family = FAMILY[rest % len(FAMILY)]
    rest //= len(FAMILY)
    between = middle[rest % len(middle)]
    last = given[rest // len(middle) % len(given)]
    # The fourth digit tells sex and century, the next two the year of birth (Decree 137/2015); the last six are free.
    century = woman + (2 if year >= 2000 else 0)
    return Applicant(
        name=f"{family} {between} {last}",
        phone=f"0999{h_code[1:]}{number:04d}",
        id_number=f"{prefix}{century}{year % 100:02d}99{number:04d}",
    )


def officer(seed: int) -> str:
    """The name of a synthetic officer; `seed` is any non-negative number."""
    seed = _scatter(seed + 7_000_003)
    names, middle = (WOMEN_GIVEN, WOMEN_MIDDLE) if seed % 2 else (MEN_GIVEN, MEN_MIDDLE)
    seed //= 2
    family = FAMILY[seed % len(FAMILY)]
    seed //= len(FAMILY)
    return f"{family} {middle[seed % len(middle)]} {names[seed // len(middle) % len(names)]}"


def _scatter(number: int) -> int:
    """A fixed permutation of 64-bit numbers (splitmix64): neighbours become unlike, and nothing is drawn from chance."""
    mask = 0xFFFF_FFFF_FFFF_FFFF
    number = (number + 0x9E37_79B9_7F4A_7C15) & mask
    number = (number ^ number >> 30) * 0xBF58_476D_1CE4_E5B9 & mask
    number = (number ^ number >> 27) * 0x94D0_49BB_1331_11EB & mask
    return number ^ number >> 31
