"""What is wrong with a draft that was asked for on the command line: which option, which value, what it takes instead."""

import json
import re
from typing import Any

import click

# Where a part of a draft is from.
OPTIONS = {
    "audience": "--audience",
    "message.article": "--article",
    "message.buttons": "--button",
    "message.template": "--template",
    "message.text": "--text",
    "max_cost": "--max-cost",
    "name": "NAME",
    "send_at": "--at",
}
TYPES = {
    "array": "một danh sách",
    "object": "một đối tượng",
    "str": "chữ",
    "int": "số nguyên",
    "bool": "true hoặc false",
}
# What msgspec says, and how officers read it; `{most}` is "nhiều" or "ít".
SAID = (
    (r"Expected `array` of length (?P<way>[<>]=) (?P<bound>\d+)", "cần {most} nhất {bound} phần tử"),
    (r"Expected `\w+` of length (?P<way>[<>]=) (?P<bound>\d+)", "cần {most} nhất {bound} ký tự"),
    (r"Expected `\w+` (?P<way>[<>]=) (?P<bound>-?\d+)", "cần {most} nhất là {bound}"),
    (r"Expected `str` matching regex .*", "không được để trống hay có khoảng trắng thừa"),
    (r"expected exactly one of (?P<bound>.+)", "cần đúng một trong {bound}"),
    (r"a caption belongs to an image_url", "caption chỉ đi cùng image_url"),
    (r"Object missing required field .*", "còn thiếu"),
    (r"Invalid UUID", "cần một mã UUID"),
    (r"Invalid enum value .*", "không phải một giá trị được nhận"),
)
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]+)`(, got `[^`]+`)?$")
_STEP = re.compile(r"[^.\[\]]+")
LONGEST_VALUE = 60


def unfit(refusal: str, asked: Any) -> click.BadParameter:
    """msgspec's refusal of `asked` as an error of the option it came from."""
    from govchat.kit.fields import named

    path, message = named(refusal, whole="")
    start = next((each for each in OPTIONS if path == each or path.startswith((f"{each}.", f"{each}["))), "")
    inside = path.removeprefix(start).lstrip(".")
    said = ": ".join(each for each in (inside, _value(path, asked), _in_vietnamese(message, path)) if each)
    return click.BadParameter(said, param_hint=OPTIONS.get(start, path) or None)


def _in_vietnamese(message: str, path: str) -> str:
    if "unknown field" in message:
        known = _known(path.rpartition(".")[0])
        return "không có trường này" + (f"; có {', '.join(known)}" if known else "")
    for pattern, words in SAID:
        if found := re.fullmatch(pattern, message):
            parts = found.groupdict()
            return words.format(most="nhiều" if parts.get("way") == "<=" else "ít", bound=parts.get("bound"))
    if found := _TYPE.match(message):
        return "cần " + " hoặc ".join(TYPES.get(each, each) for each in found["wanted"].split(" | ") if each != "null")
    return f"giá trị không hợp lệ ({message})"


def _known(path: str) -> tuple[str, ...]:
    """The fields of what stands at `path` of a draft."""
    from govchat.campaigns import schemas

    parts = {
        "audience": schemas.AudienceIn,
        "audience.segment": schemas.Segment,
        "message.article": schemas.ArticleIn,
        "message.article.body": schemas.PartIn,
    }
    part = parts.get(re.sub(r"\[\d+\]$", "", path))
    return part.__struct_fields__ if part else ()


def _value(path: str, asked: Any) -> str:
    """The value at `path` as JSON, cut to what a line can show; nothing where none is."""
    for step in _STEP.findall(path):
        try:
            asked = asked[int(step) if isinstance(asked, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return ""
    written = json.dumps(asked, ensure_ascii=False)
    return written if len(written) <= LONGEST_VALUE else f"{written[:LONGEST_VALUE]}…"
