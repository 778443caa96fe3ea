"""How long a petition may take, and how often it may come back: dated rules of the product, changed by what a province has settled.

From `data/deadlines.toml` and `petition_settings`; out go the dates of one petition.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.workdays import Calendar
from govchat.petitions.models import KINDS, PetitionSettingsRow

MOST_WORKDAYS = 60


class PetitionRulesInvalid(DomainError):
    """Rules that can't be kept."""

    status = 422
    code = "petition_rules_invalid"
    title = "The rules for petitions can't be used"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Working days to forwarding and to the answer, from a day on; `legal_…` tells the law's numbers from promises."""

    kinds: tuple[str, ...]
    from_: date = msgspec.field(name="from")
    forward_workdays: int
    answer_workdays: int
    legal_forward: bool
    legal_answer: bool
    basis: str


class Again(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a petition may be reopened, within how many days, and how many one citizen files a day."""

    from_: date = msgspec.field(name="from")
    most_reopens: int
    confirm_days: int
    most_a_day: int


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[Rule, ...]
    again: tuple[Again, ...]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one province today."""

    forward_workdays: int
    answer_workdays: int
    legal_forward: bool
    legal_answer: bool
    most_reopens: int
    confirm_days: int
    most_a_day: int

    def dates(self, calendar: Calendar, since: datetime) -> tuple[datetime, datetime]:
        """Until when it is forwarded, and until when it is answered: the close of office on those days."""
        day = calendar.next_workday(since.astimezone(VN).date())
        forward = calendar.add_workdays(day, self.forward_workdays)
        answer = calendar.add_workdays(day, self.answer_workdays)
        return calendar.closes(forward), calendar.closes(answer)


async def rules_of(session: AsyncSession, tenant_id: UUID, kind: str, on: datetime) -> Rules:
    """The rules for a kind of petition received on that day."""
    own = await session.get(PetitionSettingsRow, tenant_id)
    return rules_for(kind, on.astimezone(VN).date(), own)


def rules_for(kind: str, day: date, own: PetitionSettingsRow | None = None) -> Rules:
    """The newest rule of that day, with what the province has settled."""
    table = shipped()
    rule = max((one for one in table.rule if kind in one.kinds and one.from_ <= day), key=lambda one: one.from_)
    again = max((one for one in table.again if one.from_ <= day), key=lambda one: one.from_)
    promised = (own.answer_workdays or {}).get(kind) if own else None
    return Rules(
        forward_workdays=rule.forward_workdays,
        answer_workdays=int(promised or rule.answer_workdays),
        legal_forward=rule.legal_forward,
        legal_answer=rule.legal_answer,
        most_reopens=(own.most_reopens if own else None) or again.most_reopens,
        confirm_days=(own.confirm_days if own else None) or again.confirm_days,
        most_a_day=(own.most_a_day if own else None) or again.most_a_day,
    )


async def settle(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    actor: str,
    answer_workdays: Mapping[str, int] | None = None,
    most_reopens: int | None = None,
    confirm_days: int | None = None,
    most_a_day: int | None = None,
) -> None:
    """What the province settles from now on; what is None stays as it is. Raises `PetitionRulesInvalid`."""
    _check(answer_workdays or {}, most_reopens, confirm_days, most_a_day)
    given = {"most_reopens": most_reopens, "confirm_days": confirm_days, "most_a_day": most_a_day}
    values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if answer_workdays is not None:
        values["answer_workdays"] = dict(answer_workdays)
    values["updated_at"] = clock.now()
    made = insert(PetitionSettingsRow).values(tenant_id=tenant_id, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    del values["updated_at"]
    await note(session, tenant_id, actor=actor, act="petition.rules", subject="petitions", after=values)


def _check(
    workdays: Mapping[str, int], most_reopens: int | None, confirm_days: int | None, most_a_day: int | None
) -> None:
    today = clock.now().astimezone(VN).date()
    for kind, days in workdays.items():
        if kind not in KINDS:
            raise PetitionRulesInvalid(f'kind "{kind}": expected one of {", ".join(KINDS)}')
        rule = rules_for(kind, today)
        longest = rule.answer_workdays if rule.legal_answer else MOST_WORKDAYS
        if not 1 <= days <= longest:
            raise PetitionRulesInvalid(f"{kind}: {days} working days, expected 1 to {longest}")
    for name, value, most in (
        ("most_reopens", most_reopens, 9), ("confirm_days", confirm_days, 90), ("most_a_day", most_a_day, 50),
    ):  # fmt: skip
        if value is not None and not 1 <= value <= most:
            raise PetitionRulesInvalid(f"{name} {value}: expected 1 to {most}")


@cache
def shipped() -> _Table:
    """The product's table."""
    raw = (files("govchat.petitions") / "data" / "deadlines.toml").read_bytes()
    return msgspec.convert(tomllib.loads(raw.decode()), _Table)
