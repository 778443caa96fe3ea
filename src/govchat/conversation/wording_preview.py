"""A sentence as a citizen would read it, filled with the province's public facts and made-up dossiers."""

from govchat.conversation.context import TenantFacts
from govchat.conversation.overrides import sound_text
from govchat.conversation.wording import KEYS, Wording
from govchat.kit.clock import VN, now

# For what neither the province nor the clock tells; whatever is not listed is shown by its name.
_MADE_UP = {
    "label": "Đang xử lý",
    "sentence": "Cơ quan đang giải quyết hồ sơ.",
    "unit": "Sở Xây dựng",
    "name": "Cấp giấy phép xây dựng",
    "note": "Đang thẩm định tại hiện trường",
    "tail": "261103-0007",
    "days": "2",
    "number": "15",
    "wait": "15 phút",
    "at": "17:00 ngày 01/12/2026",
    "phone": "0900 000 000",
    "hotline": "1022",
    "address": "số 1 đường Trung tâm",
    "url": "https://dichvucong.gov.vn",
}


def preview(facts: TenantFacts, wording: Wording, key: str, text: str | None = None) -> str:
    """The sentence of `key` filled in: as given, else as the province says it now. Raises `WordingRefused`."""
    sound = sound_text(key, wording.texts[key] if text is None and key in wording.texts else text or "")
    known = samples(facts)
    return sound.format(**{name: known.get(name, f"‹{name}›") for name in KEYS[key]})


def samples(facts: TenantFacts) -> dict[str, str]:
    """What a placeholder is filled with, by its name."""
    code = f"{facts.main_h_code or 'H00'}.12-{now().astimezone(VN):%y%m%d}-0007"
    given = {
        "province": facts.full_name[:1].lower() + facts.full_name[1:],
        "example": code,
        "code": code,
        "hotline": facts.hotline,
        "address": facts.address,
        "url": facts.portal_url,
    }
    return {**_MADE_UP, **{name: value for name, value in given.items() if value}}
