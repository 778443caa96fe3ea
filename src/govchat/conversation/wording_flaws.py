"""What is wrong with a sentence that a province wants to say, told in Vietnamese with the way out.

Used where admins set one and where a file is checked; needs no database.
"""

import string
import unicodedata

from govchat.conversation.wording import KEYS, LONGEST_BUTTON, longest_of


def flaw_of(key: str, text: object) -> str | None:
    """Why this can't be the sentence of `key`, in Vietnamese with the way out; None when it can."""
    if key not in KEYS:
        return "khóa này không có trong sản phẩm; xóa đi"
    if not isinstance(text, str) or not text.strip():
        return "cần một câu, đặt trong dấu ngoặc kép; muốn dùng lại câu chung thì xóa khóa này"
    return _flaw_of_letters(text) or _flaw_of_length(key, text.strip()) or _flaw_of_places(key, text)


def _flaw_of_letters(text: str) -> str | None:
    if not unicodedata.is_normalized("NFC", text):
        return "dấu tiếng Việt ở dạng tách rời (NFD); gõ lại bằng Unicode dựng sẵn"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Zl", "Zp") and char != "\n" for char in text):
        return "có ký tự không nhìn thấy; xóa và gõ lại"
    return None


def _flaw_of_length(key: str, text: str) -> str | None:
    longest = longest_of(key)
    if len(text) > longest:
        return f"câu dài {len(text)} ký tự; viết gọn trong {longest} ký tự"
    if longest <= LONGEST_BUTTON and "\n" in text:
        return "chữ trên nút, tên và tiêu đề phải nằm trên một dòng; bỏ chỗ xuống dòng"
    return None


def _flaw_of_places(key: str, text: str) -> str | None:
    try:
        fields = [each[1:] for each in string.Formatter().parse(text) if each[1] is not None]
    except ValueError:
        return "dấu ngoặc nhọn không khớp; chỗ điền viết như {example}, dấu ngoặc thật viết thành {{ hoặc }}"
    found = {name for name, _, _ in fields}
    wanted = KEYS[key]
    reasons = []
    if missing := sorted(wanted - found):
        reasons.append(f"thiếu chỗ điền {_listed(missing)}; thêm vào câu")
    if extra := sorted(name or "" for name in found - wanted):
        allowed = f"câu này chỉ có {_listed(sorted(wanted))}" if wanted else "câu này không có chỗ điền nào"
        reasons.append(f"không biết chỗ điền {_listed(extra)}; {allowed}")
    if any(form or conversion for _, form, conversion in fields):
        reasons.append("chỗ điền chỉ gồm tên trong ngoặc nhọn; bỏ phần sau dấu : hoặc !")
    return "; ".join(reasons) or None


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
