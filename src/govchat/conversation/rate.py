"""Rating a dossier in the event's transaction: one tap, a reason by button, then four short questions that may be left unanswered.

Sentences and scales are those of `ratings`; every button names its dossier, so that it works whenever it is tapped.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import asks, payloads
from govchat.conversation.events import Button, Told
from govchat.conversation.wording import words
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import fill, phrases
from govchat.ratings import give, scale

QUESTIONS = ("time", "attitude", "clarity", "costs")
NO_REASON = "-"


async def rate(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Rate, now: datetime
) -> Told:
    """Take the tap, offer the levels of a dossier, or the dossiers that may be rated."""
    if not ask.code:
        return await _which(session, tenant_id, citizen_id)
    if ask.level is None:
        return await _offer(session, tenant_id, citizen_id, ask.code)
    return asked_why(await give.give(session, vault, tenant_id, citizen_id, ask.code, ask.level, at=now))


def asked_why(given: give.Given) -> Told:
    """The reasons that go with a level, to tap."""
    reasons = tuple(
        Button(one.title, _spelled(payloads.REASON, given, one.key))
        for one in scale.reasons_for(given.level, given.levels)[:4]
    )
    no_reason = Button(words("button.no_reason"), _spelled(payloads.REASON, given, NO_REASON))
    said = phrases(scale.ROOM)["ask_reason_poor" if given.poor else "ask_reason_good"]
    return Told(said, (*reasons, no_reason))


async def reason(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Reason, now: datetime
) -> Told:
    """Why, then the first of the four questions."""
    because = () if ask.key == NO_REASON else (ask.key,)
    given = await give.explain(session, vault, tenant_id, citizen_id, ask.dossier_id, because=because, at=now)
    return Told(words("rating.refused")) if given is None else next_question(given, "")


async def opinion(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Opinion, now: datetime
) -> Told:
    """One of the four answers, then the next question."""
    about = ask.about
    given = await give.explain(
        session, vault, tenant_id, citizen_id, ask.dossier_id,
        about_time=ask.value if about == "time" else None,
        about_attitude=ask.value if about == "attitude" else None,
        about_clarity=ask.value if about == "clarity" else None,
        extra_costs=bool(ask.value) if about == "costs" else None,
        at=now,
    )  # fmt: skip
    return Told(words("rating.refused")) if given is None else next_question(given, about)


def next_question(given: give.Given, after: str) -> Told:
    """The question that follows, or thanks."""
    place = QUESTIONS.index(after) + 1 if after in QUESTIONS else 0
    if place == len(QUESTIONS):
        return Told(fill(scale.ROOM, "thanks_poor" if given.poor else "thanks", code=given.code))
    about, said = QUESTIONS[place], phrases(scale.ROOM)
    if about == "costs":
        values: tuple[tuple[int, str], ...] = ((0, said["costs_no"]), (1, said["costs_yes"]))
    else:
        values = tuple((level, said[f"level_{given.levels}_{level}"]) for level in range(given.levels, 0, -1))
    buttons = tuple(Button(title, _spelled(payloads.OPINION, given, about, value)) for value, title in values)
    opening = said["four_questions"] if not place else ""
    return Told("\n".join(filter(None, (opening, said[f"ask_{about}"]))), buttons)


async def _which(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> Told:
    codes = await give.rateable(session, tenant_id, citizen_id)
    if not codes:
        buttons = (
            Button(words("button.petition"), payloads.PETITION), Button(words("button.contact"), payloads.CONTACT),
        )  # fmt: skip
        return Told(words("guide.rating"), buttons)
    each = tuple(
        Button(words("button.rate_code", code=code), payloads.spelled(payloads.RATE, code)) for code in codes[:4]
    )
    return Told(words("rating.which"), (*each, Button(words("button.petition"), payloads.PETITION)))


async def _offer(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, code: str) -> Told:
    why = await give.may_rate(session, tenant_id, citizen_id, code)
    if why is not None:
        key = {"too_early": "rating.too_early", "given": "rating.given"}.get(why, "rating.unproved")
        return Told(words(key, code=code), (Button(words("button.petition"), payloads.PETITION),))
    return offered(code, await give.levels_of(session, tenant_id, code))


def offered(code: str, levels: int) -> Told:
    """The levels of a dossier, best first."""
    said = phrases(scale.ROOM)
    buttons = tuple(
        Button(said[f"level_{levels}_{level}"], payloads.spelled(payloads.RATE, code, level))
        for level in range(levels, 0, -1)
    )
    return Told(words("rating.how", code=code), buttons)


def _spelled(payload: str, given: give.Given, *arguments: object) -> str:
    return payloads.spelled(payload, given.dossier_id, given.code, *arguments)
