"""Which office a few words mean, and where it is on a map.

Offices are the agencies of the province's manifest; a province that names none has one, its contact.
"""

import re
from urllib.parse import urlencode

from govchat.kit.text import clean, fold
from govchat.tenants.schema import Agency, Manifest

MAP = "https://www.google.com/maps/search/?"
# Words that every office has in its name say nothing of which one is meant.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "trung tam phuc vu hanh chinh cong bo phan mot cua so ban uy nhan dan ubnd tinh thanh pho xa phuong dac khu o tai va",
    )
)
# Neither do the words of the question itself: "thứ 7 có làm không" asks for no office of Lâm Đồng.
_ASKED = frozenset(
    re.findall(
        r"\w+",
        "lam viec khong co gio may nao dau mo cua dong nghi hom nay mai mot kia ngay thu hai ba tu nam sau bay chu nhat cuoi tuan le tet "
        "dia chi so dien thoai sdt dt hotline ban do cho hoi duoc k ko khg vay ha a oi ad va thi la den luc nop ho sang chieu toi tiep dan "
        "nhan xin minh em anh chi",
    )
)
_WORD = re.compile(r"\w+")
# A day is not the number of a ward: "thứ 7" and "24/11", but "phường 7".
_DAY = re.compile(r"\b(?:thu\s*|t)[2-7]\b|\b\d{1,2}\s*[/.-]\s*\d{1,2}(?:\s*[/.-]\s*\d{4})?\b")
# What kind of office is meant. A police station is no one-stop office, though both are of the same ward.
_KINDS = (
    "cong an", "thanh tra", "toa an", "vien kiem sat", "thi hanh an", "thue", "bao hiem", "bhxh", "tiep cong dan", "dat dai", "cong chung",
    "kho bac", "quan su", "quan ly thi truong", "kiem lam", "cang vu",
)  # fmt: skip
_KIND = re.compile(rf"\b(?:{'|'.join(_KINDS)})\b")
# A department (sở) of the province: the word alone is also a number, or a file.
_DEPARTMENT = re.compile(
    r"\bso (?:tai chinh|xay dung|noi vu|tu phap|y te|giao duc|cong thuong|nong nghiep|van hoa|khoa hoc|ngoai vu|du lich|tai nguyen|"
    r"moi truong|lao dong|ke hoach|thong tin|giao thong|gtvt|dan toc|gddt|gd)\b"
)
_UNIT = re.compile(
    r"\b(?:ubnd|uy ban|phong (?:tu phap|kinh te|van hoa|noi vu|giao duc|cong chung)|chi cuc|van phong|trung tam|ban (?:quan ly|tiep)|"
    r"mot cua)\b"
)
# Where everything is handed in, as people call it; of a province that names a few, any of them may be meant.
_CENTRE = re.compile(r"\b(?:hanh chinh cong|mot cua)\b")
_MOST_CENTRES = 4


def find(manifest: Manifest, words: str) -> list[Agency]:
    """The agencies that `words` may mean, best first; empty when none fits. A code or a full name fits alone."""
    wanted = fold(clean(words, 200))
    if not wanted:
        return []
    exact = [one for one in manifest.agencies if wanted in (fold(one.code), fold(one.name))]
    if exact:
        return exact
    province = set(_WORD.findall(fold(manifest.name)))
    asked = set(_WORD.findall(_DAY.sub(" ", wanted))) - _COMMON - _ASKED - province
    if not asked:
        called = set(_CENTRE.findall(wanted))
        centres = [one for one in manifest.agencies if called & set(_CENTRE.findall(fold(one.name)))]
        return centres if len(centres) <= _MOST_CENTRES else []
    kinds = set(_KIND.findall(wanted)) | set(_DEPARTMENT.findall(wanted))
    scored = [
        (len(asked & (set(_WORD.findall(fold(one.name))) - _COMMON)) + len(kinds), one)
        for one in manifest.agencies
        if not kinds or kinds <= _kinds_of(one)
    ]
    most = max((score for score, _ in scored), default=0)
    return [one for score, one in scored if score == most] if most else []


def names_an_office(words: str) -> bool:
    """Whether `words` speak of some office by its kind, be it one of this province's manifest or not: "sở tài chính", "công an xã"."""
    said = fold(clean(words, 200))
    return any(pattern.search(said) for pattern in (_KIND, _DEPARTMENT, _UNIT))


def _kinds_of(agency: Agency) -> set[str]:
    name = fold(agency.name)
    return set(_KIND.findall(name)) | set(_DEPARTMENT.findall(name))


def map_link(manifest: Manifest, agency: Agency | None = None) -> str | None:
    """A page that shows the office on a map, opened by the citizen's own phone; None when no address is known."""
    address = agency.address if agency else manifest.contact.address
    if not address:
        return None
    place = agency.name if agency else manifest.contact.organisation or manifest.full_name
    return MAP + urlencode({"api": "1", "query": f"{place}, {address}"})
