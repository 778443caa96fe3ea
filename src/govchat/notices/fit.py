"""Facts as the parameters of an approved template: which fact may fill which parameter, and whether it fits, before Zalo is asked.

Words are cut to a parameter's length; codes and times never are: a template that can't hold them is not used. Where a fact is not known
and the template can't do without, `wording/vi.toml` says what stands in for it.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from govchat.errors import DomainError
from govchat.kit.phrases import phrases
from govchat.notices.channel import Offer
from govchat.notices.facts import Facts, cut, samples
from govchat.notices.kinds import FIELDS

ROOM = "govchat.notices"
ANY = "any"  # a template that says every kind for which there is no template of its own

# Longest value by type of parameter, where Zalo's description gives none (docs/zalo.md).
LONGEST = {
    "NAME": 30, "PHONE": 15, "ADDRESS": 200, "CODE": 30, "CUSTOM_LABEL": 30, "STATUS": 30, "CONTACT": 50, "GENDER": 5,
    "PRODUCT_NAME": 200, "QUANTITY": 20, "DATE": 20, "NUMBER": 20, "OTP": 10, "URL": 200, "CURRENCY": 12, "BANK_NOTE": 90,
}  # fmt: skip
TIMES = frozenset({"changed", "received", "due", "due_day"})
EXACT = TIMES | {"code", "status"}
# Types that none of our facts can be.
STRANGE = frozenset({"PHONE", "NUMBER", "QUANTITY", "OTP", "URL", "CURRENCY", "GENDER", "BANK_NOTE"})

# What provinces usually call the parameters, without diacritics.
_USUAL = {
    "applicant": "ho_ten ten name chu_ho_so nguoi_nop khach_hang",
    "code": "ma_ho_so ma_hs code so_ho_so",
    "unit": "don_vi co_quan dia_chi noi_nhan unit",
    "officer": "can_bo nguoi_xu_ly nguoi_giai_quyet",
    "status": "trang_thai tinh_trang status",
    "due_day": "ngay_hen ngay_tra han_tra due",
    "changed": "thoi_gian cap_nhat ngay_cap_nhat",
    "received": "ngay_nhan tiep_nhan ngay_tiep_nhan",
    "procedure": "thu_tuc ten_thu_tuc",
    "note": "noi_dung ly_do ghi_chu",
    "results": "ket_qua",
}
USUAL = {name: fact for fact, names in _USUAL.items() for name in names.split()}


class TemplateMisfit(DomainError):
    """A template that can't say this kind of notice as mapped."""

    status = 422
    code = "template_misfit"
    title = "The template does not fit"


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """A template mapped to a kind of notice, as it stands now.

    `fields`: parameter → fact. `sent_today` is counted where there is a quota; what is claimed later is counted then.
    """

    template_id: str
    status: str
    params: list[dict[str, Any]]
    price_uid: int | None
    price_phone: int | None
    at_night: bool
    quota: int | None
    fields: dict[str, str]
    sent_today: int = 0


def fields_for(params: list[dict[str, Any]], given: Mapping[str, str]) -> dict[str, str]:
    """Parameter → fact for every parameter: as `given`, else by its usual name. Raises `TemplateMisfit` naming parameter and way out."""
    names = {param["name"] for param in params}
    for name in given:
        if name not in names:
            raise TemplateMisfit(f'tham số "{name}": mẫu không có; mẫu có {", ".join(sorted(names))}')
    chosen: dict[str, str] = {}
    for param in params:
        name, kind = param["name"], param.get("type", "")
        fact = given.get(name) or USUAL.get(name.lower())
        if fact is None:
            raise TemplateMisfit(
                f'tham số "{name}" ({kind}): chưa rõ điền bằng gì; ghi {name}=DỮ_LIỆU, một trong {", ".join(FIELDS)}'
            )
        if fact not in FIELDS:
            raise TemplateMisfit(f'tham số "{name}": không có dữ liệu "{fact}", cần một trong {", ".join(FIELDS)}')
        if kind in STRANGE or (kind == "DATE" and fact not in TIMES):
            raise TemplateMisfit(
                f'tham số "{name}" có kiểu {kind}: không điền bằng "{fact}" được, chọn dữ liệu khác hoặc mẫu khác'
            )
        sample = _value(fact, param, samples())
        if fact in EXACT and len(sample) > _longest(param):
            raise TemplateMisfit(
                f'tham số "{name}" chỉ nhận {_longest(param)} ký tự, "{fact}" có thể là "{sample}": nới độ dài trong mẫu hoặc chọn mẫu khác'
            )
        chosen[name] = fact
    return chosen


def filled(use: Use, facts: Facts) -> dict[str, str] | str:
    """The parameters' values, or what doesn't fit."""
    data: dict[str, str] = {}
    instead = phrases(ROOM)
    for param in use.params:
        name, fact = param["name"], use.fields.get(param["name"])
        if fact is None:
            return f'tham số "{name}" chưa được gán: gán lại mẫu'
        value, longest = _value(fact, param, facts) or instead.get(f"instead_{fact}", ""), _longest(param)
        if not value:
            if param.get("required", True):
                return f'tham số "{name}": hồ sơ không có "{fact}"'
            continue
        if len(value) > longest:
            if fact in EXACT:
                return f'tham số "{name}" chỉ nhận {longest} ký tự, "{fact}" dài {len(value)}'
            value = cut(value, longest)
        if len(value) < param.get("min_length", 0):
            return f'tham số "{name}" cần ít nhất {param["min_length"]} ký tự, "{fact}" dài {len(value)}'
        data[name] = value
    return data


def offers(use: Use | None, facts: Facts) -> tuple[Offer | None, Offer | None, dict[str, str]]:
    """What this template offers by user id and by telephone number, and the values it would carry."""
    if use is None:
        return None, None, {}
    data = filled(use, facts)
    wrong = data if isinstance(data, str) else None
    if use.status != "ENABLE":
        wrong = f"Zalo has template {use.template_id} as {use.status}"
    spent = use.quota is not None and use.sent_today >= use.quota
    return (
        Offer(
            use.price_uid or 0,
            wrong=wrong or (None if use.price_uid is not None else "the template has no variant by user id"),
            spent=spent,
        ),
        Offer(
            use.price_phone or 0,
            use.at_night,
            wrong or (None if use.price_phone is not None else "no price by phone"),
            spent,
        ),
        {} if isinstance(data, str) else data,
    )


def _value(fact: str, param: Mapping[str, Any], facts: Facts) -> str:
    """What fills a parameter, empty when it is not known: a date takes `14:30 22/11/2026`; everything is counted by Zalo in NFC."""
    said = unicodedata.normalize("NFC", facts.said.get(fact, ""))
    dated = param.get("type") == "DATE" and fact in TIMES
    return facts.short.get(fact, said) if dated or len(said) > _longest(param) else said


def _longest(param: Mapping[str, Any]) -> int:
    told = param.get("max_length")
    return int(told) if told else LONGEST.get(param.get("type", ""), 30)
