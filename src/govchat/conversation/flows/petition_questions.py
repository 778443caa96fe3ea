"""What is asked about a petition after it was filed, how an answer is read, and what may be tapped instead.

Questions: `name`, `photos`, `commune`, `category`, and `why` when it was reopened. Pure; used by `flows.petition`.
"""

import re

from govchat.conversation import asks, events, payloads
from govchat.conversation.flows.front import tap
from govchat.conversation.intents import Intent
from govchat.conversation.say import LONGEST_TITLE, MOST_BUTTONS, Button, Tap
from govchat.conversation.wording import words
from govchat.kit.text import clean, fold
from govchat.petitions import within
from govchat.petitions.categories import categories, suggest
from govchat.petitions.judge import LONGEST

_PROPOSES = re.compile(r"\b(?:kien nghi|de xuat|de nghi (?!xu ly|kiem tra|xem xet|giai quyet))")
_SHORT = 8  # words
_SERVICE = frozenset({"service"})
_RULES = frozenset({"rules"})


# What somebody may ask in a few words while a petition is written or completed: answered, and neither filed nor added.
_ASKED = frozenset(
    {
        Intent.PROCEDURE,
        Intent.PROGRESS,
        Intent.LOOKUP,
        Intent.MY_DOSSIERS,
        Intent.CONTACT_OFFICE,
        Intent.COMPLAINT_STATUS,
        Intent.PAYMENT,
        Intent.RESULT,
        Intent.SUPPLEMENT,
        Intent.BROWSE,
        Intent.FILE_ONLINE,
        Intent.PRIVACY,
        Intent.DISPUTE,
        Intent.HELP,
        Intent.THANKS,
        Intent.GREETING,
        Intent.COMPLAINT,
        Intent.DENUNCIATION,
        Intent.HUMAN,
        Intent.STAFF,
    }
)
_MOST_ASKED, _SURE = 8, 0.8


def is_question(text: str, intent: Intent, score: float) -> bool:
    """Whether a message is something else than the words that a petition waits for. A name is written with capitals."""
    words = clean(text, 200).split()
    if intent not in _ASKED or score < _SURE:
        return False
    if intent in (Intent.DENUNCIATION, Intent.COMPLAINT):
        return True
    return len(words) <= _MOST_ASKED and not all(word[:1].isupper() for word in words)


def read_answer(asked: str, text: str) -> asks.AddToPetition | None:
    """What an answer adds; None when it answers something else."""
    match asked:
        case "name":
            said = within.name_of(text)
            return asks.AddToPetition(code="", name=said) if said else None
        case "commune":
            said = within.commune_of(text)
            return asks.AddToPetition(code="", commune=said) if said else None
        case "category":
            number = text.strip(" .")
            known = categories()
            if number.isascii() and number.isdigit() and 1 <= int(number[:3]) <= len(known):
                return asks.AddToPetition(code="", category=known[int(number[:3]) - 1].key)
            found = suggest(text) if len(text.split()) <= _SHORT else []
            return asks.AddToPetition(code="", category=found[0].key) if found else None
        case "why" | "note":
            return asks.AddToPetition(code="", note=clean(text)[:LONGEST]) if len(text.split()) > 1 else None
        case _:
            return None


def leave_out(code: str) -> tuple[Button, ...]:
    """The two ways to say no more: to this question, to all of them."""
    return (
        tap("petition_skip", payloads.spelled(payloads.PETITION_CODE, "skip", code)),
        tap("petition_done", payloads.spelled(payloads.PETITION_CODE, "done", code)),
    )


def question(asked: str) -> str:
    """The sentence that asks; categories by number."""
    if asked != "category":
        return words(f"petition.ask_{asked}")
    lines = [words("procedure.choice", number=number, name=one.title) for number, one in enumerate(categories(), 1)]
    return "\n".join([words("petition.ask_category"), *lines])


def question_buttons(asked: str, code: str) -> tuple[Button, ...]:
    """What may be tapped instead of an answer."""
    first: tuple[Button, ...] = ()
    if asked == "name":
        first = (tap("petition_anonymous", payloads.spelled(payloads.PETITION_CODE, "anonymous", code)),)
    if asked == "category":
        first = tuple(
            Tap(one.title[:LONGEST_TITLE], payloads.spelled(payloads.PETITION_CODE, "category", code, one.key))
            for one in categories()[: MOST_BUTTONS - 2]
        )
    return (*first, *leave_out(code))


def summary(event: events.Petitioned) -> str:
    """What the office has now."""
    parts = [
        words("petition.has_photos", count=event.photos) if event.photos else "",
        words("petition.has_place") if event.has_place else "",
        event.commune,
        event.category,
    ]
    return words("petition.complete", code=event.code, holds=", ".join(filter(None, parts)))


def done_buttons(code: str) -> tuple[Button, ...]:
    """What there is to do with a complete petition."""
    return (
        tap("petition_status", payloads.spelled(payloads.PETITION_CODE, "status", code)),
        tap("petition_category", payloads.spelled(payloads.PETITION_CODE, "categories", code)),
        tap("my_petitions", payloads.MY_PETITIONS),
    )


def kinds(first: str = "") -> tuple[Button, ...]:
    """The kinds of petition, the likeliest first."""
    kinds = sorted(("scene", "reflection", "proposal"), key=lambda kind: kind != first)
    return tuple(tap(f"petition_{kind}", payloads.spelled(payloads.PETITION_KIND, kind)) for kind in kinds)


def likely_kind(text: str) -> str:
    """The kind that words speak of: a rule, conduct and service, else something to be seen."""
    if _PROPOSES.search(fold(text)):
        return "proposal"
    found = {one.key for one in suggest(text)[:1]}
    if found <= _RULES and found:
        return "proposal"
    return "reflection" if found <= _SERVICE and found else "scene"
