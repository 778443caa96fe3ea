"""A dossier's answer as a clerk would read it aloud: Vietnamese dates, lateness said honestly, no more than was proven."""

import math
from datetime import UTC, datetime

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.events import DossierAnswer, Proven, Shown, Slowed
from govchat.conversation.say import LONGEST_TITLE, Link, Tap
from govchat.conversation.wording import words
from govchat.dossiers.status import STATUSES, label_of, sentence_of
from govchat.kit.clock import VN
from govchat.kit.text import clean

_LONGEST_FACT = 400  # of a note or a name from a one-stop system
_MOST_RESULTS = 10
_LONGEST_URL = 1000


def read_aloud(answer: DossierAnswer, context: Context) -> str:
    """One answer as a paragraph of lines."""
    if isinstance(answer, Shown):
        proven = _proven_lines(answer.proven) if answer.proven else []
        return "\n".join([*_open_lines(answer, context), *proven, *next_lines(answer)])
    if isinstance(answer, Slowed):
        return words("dossier.slowed", code=fact(answer.code), wait=_wait(answer.retry_in_s))
    return words("dossier.unknown", code=fact(answer.code))


def _open_lines(shown: Shown, context: Context) -> list[str]:
    """What anyone who knows the code may hear: status, unit and dates."""
    status = STATUSES.get(shown.status)
    lines = [words("dossier.head", code=fact(shown.code))]
    if status:
        lines.append(words("dossier.status", label=label_of(status), sentence=sentence_of(status)))
    else:
        lines.append(words("dossier.status_unknown"))
    if unit := fact(shown.unit):
        lines.append(words("dossier.unit", unit=unit))
    waiting_since = shown.received_at or shown.changed_at
    if shown.status == 1 and waiting_since:
        lines.append(words("dossier.waiting_since", at=local_time(waiting_since)))
    elif shown.received_at:
        lines.append(words("dossier.received", at=local_time(shown.received_at)))
    # A hand-over date means nothing any more once the dossier was refused, withdrawn or stopped.
    if shown.due_at and not (status and status.terminal):
        key = "dossier.due_paused" if status and status.paused else "dossier.due"
        lines.append(words(key, at=local_time(shown.due_at)))
    if shown.changed_at:
        lines.append(words("dossier.changed", at=local_time(shown.changed_at)))
    if status and status.running and shown.due_at:
        lines += _late(shown.due_at, context.now)
    elif shown.status == 9 and shown.due_at and shown.changed_at:
        lines += _early(shown.due_at, shown.changed_at)
    return lines


def _early(due_at: datetime, done_at: datetime) -> list[str]:
    days = (local(due_at).date() - local(done_at).date()).days
    return [words("dossier.early", days=days)] if days > 0 else []


def next_lines(shown: Shown) -> list[str]:
    """What happens next, and what the citizen has to do for it."""
    return [words(f"next.status_{shown.status}")] if shown.status in STATUSES else []


# What there is more to say about, for dossiers that wait for the citizen.
_GUIDES = {5: ("supplement", payloads.SUPPLEMENT), 6: ("payment", payloads.PAYMENT), 9: ("result", payloads.RESULT)}


def guide_button(status: int) -> tuple[Tap, ...]:
    """A button to the guidance for what the dossier waits for."""
    if status not in _GUIDES:
        return ()
    key, payload = _GUIDES[status]
    return (Tap(words(f"button.{key}"), payload),)


def _late(due_at: datetime, now: datetime) -> list[str]:
    due, today = local(due_at), local(now)
    if today <= due:
        return []
    days = (today.date() - due.date()).days
    return [words("dossier.late_days", days=days) if days else words("dossier.late_today")]


def _proven_lines(proven: Proven) -> list[str]:
    lines = [
        words(f"dossier.{key}", name=fact(name))
        for key, name in (
            ("procedure", proven.procedure_name),
            ("applicant", proven.applicant_name),
            ("officer", proven.officer),
        )
        if name and fact(name)
    ]
    if note := fact(proven.status_note or ""):
        lines.append(words("dossier.note", note=note))
    if names := [name for item in proven.results[:_MOST_RESULTS] if (name := fact(item.name))]:
        lines += [words("dossier.results"), *(words("dossier.result", name=name) for name in names)]
    return lines


def result_links(answers: tuple[DossierAnswer, ...]) -> tuple[Link, ...]:
    """A button per proven result that has a web address."""
    return tuple(
        Link(clean(item.name, LONGEST_TITLE) or words("dossier.results"), item.url)
        for answer in answers
        if isinstance(answer, Shown) and answer.proven
        for item in answer.proven.results
        if item.url and item.url.startswith(("https://", "http://")) and len(item.url) <= _LONGEST_URL
    )


def local_time(at: datetime) -> str:
    """A moment as people here write it: 09:12 ngày 20/11/2026."""
    here = local(at)
    return words("dossiers.moment", time=f"{here:%H:%M}", day=f"{here:%d/%m}/{here.year}")


def local(at: datetime) -> datetime:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return aware.astimezone(VN)
    except OverflowError:  # within a day of the calendar's ends
        return aware.replace(tzinfo=VN)


def _wait(seconds: int) -> str:
    minutes = max(1, math.ceil(min(seconds, 10**6) / 60))
    if minutes < 120:
        return words("dossier.minutes", number=minutes)
    return words("dossier.hours", number=math.ceil(minutes / 60))


def fact(text: str) -> str:
    return clean(text, _LONGEST_FACT)
