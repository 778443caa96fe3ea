"""One question about the dossier at hand, answered by itself: when it is done, who has it, why it is late.

From what was looked up and what was wondered about to a few lines; what a dossier's state makes of the question (it waits for the citizen,
it is over) is said with it. No reason is made up: what the office noted, or that it noted none.
"""

from datetime import datetime

from govchat.conversation.context import Context
from govchat.conversation.events import Shown
from govchat.conversation.flows.dossier import fact, local, local_time, next_lines
from govchat.conversation.state import Wondering
from govchat.conversation.wording import words
from govchat.dossiers.status import STATUSES, Status, label_of, sentence_of

GUIDES = {"papers": "guide.supplement", "money": "guide.payment", "result": "guide.result"}


def answer(shown: Shown, about: Wondering, context: Context) -> str:
    """The lines; empty where the whole answer says it better."""
    status = STATUSES.get(shown.status)
    if status is None:
        return ""
    if about == "who":
        return _who(shown, status)
    if about in GUIDES:
        return _guided(shown, status, about)
    if not status.running:  # nobody is late: it is done, over, or waits for the citizen
        return "\n".join([words("dossier.head", code=fact(shown.code)), _status(status), *_paused(shown, status)])
    late = shown.due_at is not None and local(context.now) > local(shown.due_at)
    if about == "why":
        return _why(shown, shown.due_at, status, late=late)
    return _when(shown, shown.due_at, status, context, late=late)


def _guided(shown: Shown, status: Status, about: Wondering) -> str:
    """How papers are handed in later, money paid or a result fetched, behind where this dossier stands."""
    lines = [
        words("dossier.now", code=fact(shown.code), label=label_of(status), sentence=sentence_of(status)),
    ]
    if shown.proven is not None and (note := fact(shown.proven.status_note or "")) and status.waits_for_citizen:
        lines.append(words("dossier.note", note=note))
    if about == "result" and status.running and shown.due_at:
        lines.append(words("dossier.due", at=local_time(shown.due_at)))
    return "\n".join(lines) + "\n\n" + words(GUIDES[about])


def _status(status: Status) -> str:
    return words("dossier.status", label=label_of(status), sentence=sentence_of(status))


def _paused(shown: Shown, status: Status) -> list[str]:
    paused = status.paused and not status.terminal and shown.due_at is not None
    said = [words("dossier.due_paused", at=local_time(shown.due_at))] if paused and shown.due_at else []
    return [*said, *next_lines(shown)]


def _who(shown: Shown, status: Status) -> str:
    code, unit = fact(shown.code), fact(shown.unit)
    lines = [words("dossier.who_unit", code=code, unit=unit) if unit else words("dossier.who_nobody", code=code)]
    if shown.proven is None:
        lines.append(words("dossier.who_hidden"))
    elif shown.proven.officer:
        lines.append(words("dossier.officer", name=fact(shown.proven.officer)))
    return "\n".join([*lines, _status(status)])


def _when(shown: Shown, due: datetime | None, status: Status, context: Context, *, late: bool) -> str:
    code = fact(shown.code)
    if due is None:
        return "\n".join((words("dossier.when_unknown", code=code), _status(status)))
    lines = [words("dossier.when_due", code=code, at=local_time(due))]
    days = (local(due).date() - local(context.now).date()).days
    if late:
        lines.append(words("dossier.late_days", days=-days) if days < 0 else words("dossier.late_today"))
    else:
        lines.append(words("dossier.when_left", days=days) if days else words("dossier.when_today"))
    return "\n".join([*lines, _status(status)])


def _why(shown: Shown, due: datetime | None, status: Status, *, late: bool) -> str:
    code, unit = fact(shown.code), fact(shown.unit)
    if due is None:
        return ""
    if not late:
        return "\n".join((words("dossier.why_in_time", code=code, at=local_time(due)), _status(status)))
    lines = [words("dossier.why_late", code=code, at=local_time(due))]
    if shown.proven is not None:
        note = fact(shown.proven.status_note or "")
        lines.append(words("dossier.note", note=note) if note else words("dossier.why_unsaid"))
    if unit:
        lines.append(words("dossier.why_ask", unit=unit))
    return "\n".join([*lines, _status(status)])
