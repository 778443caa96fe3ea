"""A change as facts to be said: times in Vietnam, long texts cut, nothing where nothing is known."""

from collections.abc import Mapping

import msgspec

from govchat.kit.clock import VN
from govchat.kit.phrases import phrases
from govchat.notices.change import Change
from govchat.notices.kinds import FIELDS, SUB

LONGEST = {"note": 500, "procedure": 200, "results": 300, "unit": 150, "officer": 80, "applicant": 80, "step": 300}

# The names of statuses and of moments are the dossiers' words, said alike in chat, notice and receipt: read by name, as files are.
WORDS_OF = "govchat.dossiers"


class Facts(msgspec.Struct, frozen=True):
    """What is known, by the names of `kinds.FIELDS`: `said` as people read it, `short` where there is little space or a bare date is asked
    for."""

    said: dict[str, str]
    short: dict[str, str]


def facts_of(change: Change) -> Facts:
    """What is known of a change, in the words that are laid over the product's (`kit.phrases.overlaid`)."""
    words = phrases(WORDS_OF)
    times = {"changed": change.changed_at, "received": change.received_at, "due": change.due_at}
    known: dict[str, str | None] = {
        "code": change.code,
        "status": words[f"status_{change.status}_label"],
        "unit": change.unit,
        "officer": change.officer,
        "procedure": change.procedure_name,
        "applicant": change.applicant_name,
        "note": change.note,
        "step": _step(change, words),
        "results": ", ".join(change.results) or None,
    }
    short = {"status": words[f"status_{change.status}_short"]}
    for name, at in times.items():
        if at is not None:
            # Figures by hand: strftime costs as much as all else of a notice.
            local = at.astimezone(VN)
            time, day = f"{local.hour:02}:{local.minute:02}", f"{local.day:02}/{local.month:02}/{local.year}"
            known[name] = words["moment"].format(time=time, day=day)
            short[name] = f"{time} {day}"
            if name == "due":
                known["due_day"] = day
    return Facts({name: cut(value, longest_of(name)) for name, text in known.items() if (value := _tidy(text))}, short)


def samples() -> Facts:
    """The facts of a made-up change."""
    return Facts(
        {name: field.sample for name, field in FIELDS.items()},
        {name: field.short for name, field in FIELDS.items() if field.short},
    )


def longest_of(name: str) -> int:
    """How many characters of a fact are said."""
    return LONGEST.get(name, 100)


def _step(change: Change, words: Mapping[str, str]) -> str | None:
    """Where within its status it stands, as the province says it."""
    if change.step is None:
        return None
    within = next((flag.removeprefix(SUB) for flag in sorted(change.flags) if flag.startswith(SUB)), "")
    return words.get(f"sub_{within}_sentence", change.step)


def cut(text: str, longest: int) -> str:
    """`text`, cut at a word with an ellipsis when it is longer."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    head = kept.rpartition(" ")[0]
    return (head if len(head) > longest // 2 else kept).rstrip(" ,;:.") + "…"


def _tidy(text: str | None) -> str:
    return " ".join((text or "").split())
