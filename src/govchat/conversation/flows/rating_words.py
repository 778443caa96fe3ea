"""Answers to questions about a rating that are typed instead of tapped: a level in words or as a number, a reason, yes or no.

From what was asked last (`state.rating`, as `rate` put it) and a text to the button that it stands for. Pure.
"""

import re

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.state import TOPIC_S, State
from govchat.kit.text import clean, fold
from govchat.ratings.scale import level_in, reasons_for, stars_in

_MOST_WORDS, _SHORT = 12, 4
_ENOUGH = frozenset({"thoi", "dung", "dung lai", "thoi khong danh gia nua"})
SKIPPED = 9  # the value of an opinion that is left out
_YES = re.compile(r"^(?:da |vang )?(?:co|co a|phai|co chu|bi)\b")
_NO = re.compile(r"^(?:da )?(?:khong|ko|k|hong|khong he|chua)\b")
_REASONS = (
    ("late", re.compile(r"\b(?:tre|cham|lau|cho doi|qua hen|lam lau)\b")),
    ("extra_costs", re.compile(r"\b(?:tien|phi|chi phi|tra them|ngoai quy dinh)\b")),
    ("unclear", re.compile(r"\b(?:huong dan|khong ro|chua ro|di lai|nhieu lan)\b")),
    ("attitude", re.compile(r"\b(?:thai do|quat|hach dich|kho chiu|coc|vo le)\b")),
    ("quick", re.compile(r"\b(?:nhanh|dung hen|som)\b")),
    ("friendly", re.compile(r"\b(?:nhiet tinh|vui ve|than thien|tan tinh)\b")),
    ("clear", re.compile(r"\b(?:ro rang|de hieu)\b")),
    ("easy", re.compile(r"\b(?:don gian|de dang|gon)\b")),
)


def is_open(state: State, context: Context) -> bool:
    """Whether a question about a rating was the last that was put."""
    last = max(state.topic_at, state.office_at, state.petition_at, state.looked_at) <= state.rating_at
    return bool(state.rating) and last and abs(context.seconds - state.rating_at) <= TOPIC_S


def button_for(asked: str, text: str) -> str:  # noqa: PLR0911 -- one question a line
    """The payload that a typed answer stands for; empty for what answers something else, or is a word for the office."""
    said = fold(clean(text, 200))
    parts = asked.split(" ")
    if text.startswith("#") or len(said.split()) > _MOST_WORDS:
        return ""
    match parts:
        case ["level", code, levels]:
            level = level_in(said, int(levels)) or stars_in(said, int(levels))
            return payloads.spelled(payloads.RATE, code, level) if level else ""
        case ["reason" | "think", dossier_id, code, *_] if bare(text) in rulebook().ends or bare(text) in _ENOUGH:
            return payloads.spelled(payloads.OPINION, dossier_id, code, "costs", SKIPPED)
        case ["reason", dossier_id, code, level, levels]:
            if key := _reason(said, bare(text), int(level), int(levels)):
                return payloads.spelled(payloads.REASON, dossier_id, code, key)
            anew = level_in(said, int(levels)) if len(said.split()) <= _SHORT else 0
            return payloads.spelled(payloads.RATE, code, anew) if anew else ""
        case ["think", dossier_id, code, about, levels]:
            value = _value(said, bare(text), about, int(levels))
            return payloads.spelled(payloads.OPINION, dossier_id, code, about, value) if value is not None else ""
        case _:
            return ""


def _reason(said: str, plain: str, level: int, levels: int) -> str:
    offered = [one.key for one in reasons_for(level, levels)][:4]
    if plain in rulebook().skips:
        return "-"
    if said.isascii() and said.isdigit() and 1 <= int(said[:3]) <= len(offered):
        return offered[int(said[:3]) - 1]
    found = [key for key, pattern in _REASONS if key in offered and pattern.search(said)]
    return found[0] if len(found) == 1 and len(said.split()) <= 4 else ""


def _value(said: str, plain: str, about: str, levels: int) -> int | None:
    if about == "costs":
        return 1 if _YES.search(said) else 0 if _NO.search(said) else SKIPPED if plain in rulebook().skips else None
    if plain in rulebook().skips:
        return SKIPPED
    return level_in(said, levels) or stars_in(said, levels) or None
