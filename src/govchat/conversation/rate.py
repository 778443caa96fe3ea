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
SKIPPED = 9  # a question that is left out


async def perform(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    ask: asks.Rate | asks.Reason | asks.Opinion | asks.Comment,
    now: datetime,
) -> Told:
    """Whatever is asked about a rating."""
    whose = (session, vault, tenant_id, citizen_id)
    match ask:
        case asks.Reason():
            return await reason(*whose, ask, now)
        case asks.Opinion():
            return await opinion(*whose, ask, now)
        case asks.Comment():
            return await comment(*whose, ask, now)
        case _:
            return await rate(*whose, ask, now)


async def rate(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Rate, now: datetime
) -> Told:
    """Take the tap, offer the levels of a dossier, or the dossiers that may be rated."""
    if not ask.code:
        return await _which(session, vault, tenant_id, citizen_id, ask, now)
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
    asked = f"reason {given.dossier_id} {given.code} {given.level} {given.levels}"
    return Told(said, (*reasons, no_reason), asked=asked)


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
    said = None if ask.value == SKIPPED else ask.value
    given = await give.explain(
        session, vault, tenant_id, citizen_id, ask.dossier_id,
        about_time=said if about == "time" else None,
        about_attitude=said if about == "attitude" else None,
        about_clarity=said if about == "clarity" else None,
        extra_costs=bool(said) if about == "costs" and said is not None else None,
        at=now,
    )  # fmt: skip
    return Told(words("rating.refused")) if given is None else next_question(given, about)


async def comment(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Comment, now: datetime
) -> Told:
    """A word of one's own: kept with the rating, and the question that was open is put (again)."""
    given = await give.explain(session, vault, tenant_id, citizen_id, ask.dossier_id, comment=ask.text, at=now)
    return Told(words("rating.refused")) if given is None else commented(given, ask.about)


def commented(given: give.Given, about: str) -> Told:
    """That it was noted, and the next question."""
    before = QUESTIONS[QUESTIONS.index(about) - 1] if about in QUESTIONS[1:] else ""
    again = next_question(given, before)
    return Told(f"{words('rating.noted')}\n{again.text}", again.buttons, asked=again.asked)


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
    asked = f"think {given.dossier_id} {given.code} {about} {given.levels}"
    return Told("\n".join(filter(None, (opening, said[f"ask_{about}"]))), buttons, asked=asked)


async def _which(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Rate, now: datetime
) -> Told:
    """What was said of one that was asked about lately is its rating; else what there is to rate."""
    asked = await give.invited(session, tenant_id, citizen_id, now) if ask.said else []
    if len(asked) == 1:
        levels = await give.levels_of(session, tenant_id, asked[0])
        level = scale.stars_in(ask.said, levels) if ask.alone else scale.level_in(ask.said, levels)
        if level:
            return asked_why(await give.give(session, vault, tenant_id, citizen_id, asked[0], level, at=now))
        return offered(asked[0], levels)
    if ask.alone:
        return Told(words("front.not_understood"))
    codes = await give.rateable(session, tenant_id, citizen_id)
    if not codes:
        buttons = (
            Button(words("button.petition"), payloads.PETITION), Button(words("button.contact"), payloads.CONTACT),
        )  # fmt: skip
        return Told(words("guide.rating"), buttons)
    if len(codes) == 1:
        return offered(codes[0], await give.levels_of(session, tenant_id, codes[0]))
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
    return Told(words("rating.how", code=code), buttons, asked=f"level {code} {levels}")


def _spelled(payload: str, given: give.Given, *arguments: object) -> str:
    return payloads.spelled(payload, given.dossier_id, given.code, *arguments)
