"""What is wrong with a draft that was asked for on the command line: which option, which value, what it takes instead."""

import json
import re
from typing import Any

import click

from govchat.kit.fields import in_vietnamese, named

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
_STEP = re.compile(r"[^.\[\]]+")
LONGEST_VALUE = 60


def unfit(refusal: str, asked: Any) -> click.BadParameter:
    """msgspec's refusal of `asked` as an error of the option it came from."""
    path, message = named(refusal, whole="")
    start = next((each for each in OPTIONS if path == each or path.startswith((f"{each}.", f"{each}["))), "")
    inside = path.removeprefix(start).lstrip(".")
    said = ": ".join(each for each in (inside, _value(path, asked), _told(message, path)) if each)
    return click.BadParameter(said, param_hint=OPTIONS.get(start, path) or None)


def _told(message: str, path: str) -> str:
    if "unknown field" in message:
        known = _known(path.rpartition(".")[0])
        return "không có trường này" + (f"; có {', '.join(known)}" if known else "")
    return "caption chỉ đi cùng image_url" if message.startswith("a caption") else in_vietnamese(message)


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
