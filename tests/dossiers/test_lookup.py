"""Look-up with proof: a bare code shows little, a secret or an equal phone shows the rest, and guessing is slowed."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import event

from govchat.citizens.know import Citizen, know, note_phone
from govchat.dossiers import intake
from govchat.dossiers.lookup import (
    FORGET_AFTER,
    FREE_FAILURES,
    LONGEST_WAIT,
    NotShown,
    Seen,
    Slowed,
    look_up,
)
from govchat.dossiers.schemas import DossierIn
from govchat.kit import clock, phone
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry

SLUG = "cao-bang"
_numbers = itertools.count(1)
Answer = Seen | NotShown | Slowed


def new_code() -> str:
    return f"H14.01-261103-{next(_numbers):04d}"


@dataclass
class Counter:
    """One province, as its conversations use it: every question is a committed transaction."""

    registry: Registry
    tenant_id: UUID
    vault: TenantVault
    book: Book

    async def citizen(self, phone_number: str | None = None) -> Citizen:
        async with self.registry.db.tenant(self.tenant_id) as session:
            citizen = await know(session, self.tenant_id, f"u-{new_id()}", by_app=None, interacted_at=clock.now())
            if phone_number:
                number = phone.normalise(phone_number)
                assert number
                index = self.vault.index(number, "phone")
                await note_phone(session, self.tenant_id, citizen.id, index, clock.now())
                citizen = msgspec.structs.replace(citizen, phone_index=index)
        return citizen

    async def put(self, code: str, **changes: Any) -> str:
        given = {
            "procedure_code": "1.013225",
            "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": "0912 345 678"},
            "lookup_secret": "K7PX",
            "received_at": "2026-11-03T09:12:00+07:00",
            "status": 4,
            "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
            "changed_at": "2026-11-16T08:00:00+07:00",
            **changes,
        }
        async with self.registry.db.tenant(self.tenant_id) as session:
            await intake.put(session, self.vault, self.tenant_id, self.book, code, msgspec.convert(given, DossierIn))
        return code

    async def ask(self, citizen: Citizen, code: str, secret: str | None = None) -> Answer:
        async with self.registry.db.tenant(self.tenant_id) as session:
            return await look_up(
                session, self.vault, self.tenant_id, citizen, code, secret, clock.now(), self.book.of(self.tenant_id)
            )


@pytest.fixture
async def counter(registry: Registry) -> Counter:
    tenant = registry.by_slug(SLUG)
    return Counter(registry, tenant.id, await registry.tenant_vault(tenant.id), Book(registry.db, registry))


@pytest.fixture
def later() -> Iterator[Any]:
    """Lets time pass, for this test alone."""
    with ExitStack() as stack:
        yield lambda by: stack.enter_context(clock.shifted(by))


@contextmanager
def statements(counter: Counter) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    engine = counter.registry.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_bare_code_shows_status_unit_and_dates_and_nothing_else(counter: Counter) -> None:
    code = await counter.put(new_code())
    seen = await counter.ask(await counter.citizen(), code)
    assert isinstance(seen, Seen)
    assert (seen.code, seen.status, seen.unit) == (code, 4, "Sở Xây dựng")
    assert seen.received_at is not None
    assert seen.due_at is not None
    assert seen.private is None
    for hidden in ("Hiền", "0912", "Trần Văn An", "K7PX"):
        assert hidden not in repr(seen)


@pytest.mark.parametrize("typed", ["K7PX", "k7px", " k7 PX "])
async def test_the_secret_shows_the_rest_and_is_remembered_for_this_citizen_alone(counter: Counter, typed: str) -> None:
    code = await counter.put(new_code())
    one, other = await counter.citizen(), await counter.citizen()
    seen = await counter.ask(one, code, typed)
    assert isinstance(seen, Seen)
    assert seen.private is not None
    assert seen.private.applicant.name == "Trịnh Thị Phương Hiền"
    assert seen.private.officer == "Trần Văn An"
    again, others = await counter.ask(one, code), await counter.ask(other, code)
    assert isinstance(again, Seen)
    assert again.private is not None, "the proof holds without the secret"
    assert isinstance(others, Seen)
    assert others.private is None


async def test_a_wrong_secret_and_an_unknown_code_are_one_answer_at_one_cost(counter: Counter) -> None:
    code = await counter.put(new_code())
    without_secret = await counter.put(new_code(), lookup_secret=None)
    asked: list[tuple[Answer, list[str]]] = []
    for wanted in (code, without_secret, new_code()):
        citizen = await counter.citizen()
        with statements(counter) as seen:
            asked.append((await counter.ask(citizen, wanted, "WRONG"), list(seen)))
    answers, costs = zip(*asked, strict=True)
    assert [type(answer) for answer in answers] == [NotShown] * 3
    assert answers[0] == answers[1] == answers[2]
    assert costs[0] == costs[1] == costs[2], "the same statements, so that time tells nothing either"


async def test_a_wrong_secret_does_not_end_an_earlier_proof_but_shows_nothing(counter: Counter) -> None:
    code, citizen = await counter.put(new_code()), await counter.citizen()
    await counter.ask(citizen, code, "K7PX")
    assert isinstance(await counter.ask(citizen, code, "WRONG"), NotShown)
    still = await counter.ask(citizen, code)
    assert isinstance(still, Seen)
    assert still.private is not None


@pytest.mark.parametrize("shared", ["0912345678", "+84 912 345 678", "84912345678"])
async def test_an_equal_phone_proves_in_every_way_of_writing(counter: Counter, shared: str) -> None:
    code = await counter.put(new_code())
    seen = await counter.ask(await counter.citizen(shared), code)
    assert isinstance(seen, Seen)
    assert seen.private is not None


async def test_another_phone_or_none_on_the_dossier_proves_nothing(counter: Counter) -> None:
    code = await counter.put(new_code())
    nameless = await counter.put(new_code(), applicant={"name": "A"})
    for citizen in (await counter.citizen("0912345679"), await counter.citizen()):
        for wanted in (code, nameless):
            seen = await counter.ask(citizen, wanted)
            assert isinstance(seen, Seen)
            assert seen.private is None


async def test_a_proof_ends_when_the_secret_changes(counter: Counter) -> None:
    code, citizen = await counter.put(new_code()), await counter.citizen()
    await counter.ask(citizen, code, "K7PX")
    await counter.put(code, lookup_secret="N3WX", changed_at="2026-11-17T08:00:00+07:00")
    seen = await counter.ask(citizen, code)
    assert isinstance(seen, Seen)
    assert seen.private is None
    assert isinstance(await counter.ask(citizen, code, "K7PX"), NotShown)
    again = await counter.ask(citizen, code, "N3WX")
    assert isinstance(again, Seen)
    assert again.private is not None


async def test_a_proof_by_phone_ends_when_the_dossiers_phone_changes(counter: Counter) -> None:
    code, citizen = await counter.put(new_code()), await counter.citizen("0912345678")
    await counter.ask(citizen, code)
    await counter.put(code, applicant={"name": "A", "phone": "0999888777"}, changed_at="2026-11-17T08:00:00+07:00")
    seen = await counter.ask(citizen, code)
    assert isinstance(seen, Seen)
    assert seen.private is None


async def test_a_status_change_keeps_the_proof(counter: Counter) -> None:
    code, citizen = await counter.put(new_code()), await counter.citizen()
    await counter.ask(citizen, code, "K7PX")
    await counter.put(code, status=9, changed_at="2026-11-17T08:00:00+07:00")
    seen = await counter.ask(citizen, code)
    assert isinstance(seen, Seen)
    assert (seen.status, seen.private is not None) == (9, True)


async def fail(
    counter: Counter, citizen: Citizen, times: int, code: str | None = None, secret: str | None = None
) -> None:
    for _ in range(times):
        assert isinstance(await counter.ask(citizen, code or new_code(), secret), NotShown)


async def test_who_guesses_codes_is_slowed_even_for_a_code_that_exists(counter: Counter, later: Any) -> None:
    code, guesser = await counter.put(new_code()), await counter.citizen()
    await fail(counter, guesser, FREE_FAILURES)
    assert isinstance(await counter.ask(guesser, code), Seen), "the first failures are free"
    await fail(counter, guesser, 1)
    slowed = await counter.ask(guesser, code)
    assert isinstance(slowed, Slowed)
    assert timedelta(0) < slowed.wait <= timedelta(minutes=1)
    assert isinstance(await counter.ask(await counter.citizen(), code), Seen), "nobody else waits for it"
    later(timedelta(minutes=1, seconds=1))
    assert isinstance(await counter.ask(guesser, code), Seen)


async def test_each_further_failure_doubles_the_wait_up_to_a_limit(counter: Counter, later: Any) -> None:
    guesser = await counter.citizen()
    await fail(counter, guesser, FREE_FAILURES)
    waits = []
    for _ in range(11):
        await fail(counter, guesser, 1)
        slowed = await counter.ask(guesser, new_code())
        assert isinstance(slowed, Slowed)
        waits.append(slowed.wait)
        later(slowed.wait + timedelta(seconds=1))
    minutes = [round(wait / timedelta(minutes=1)) for wait in waits]
    assert minutes[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert minutes[8:] == [LONGEST_WAIT / timedelta(minutes=1)] * 3


async def test_waiting_out_is_not_counted_as_another_failure(counter: Counter, later: Any) -> None:
    guesser = await counter.citizen()
    await fail(counter, guesser, FREE_FAILURES + 1)
    for _ in range(10):
        slowed = await counter.ask(guesser, new_code())
        assert isinstance(slowed, Slowed)
        assert slowed.wait <= timedelta(minutes=1)


async def test_failures_are_forgotten_after_a_day(counter: Counter, later: Any) -> None:
    guesser = await counter.citizen()
    await fail(counter, guesser, FREE_FAILURES)
    later(FORGET_AFTER + timedelta(seconds=1))
    await fail(counter, guesser, FREE_FAILURES)


@pytest.mark.parametrize("exists", [True, False], ids=["a dossier", "no dossier"])
async def test_many_citizens_guessing_one_secret_are_slowed_together(counter: Counter, exists: bool) -> None:
    code = await counter.put(new_code()) if exists else new_code()
    for _ in range(FREE_FAILURES + 1):
        await fail(counter, await counter.citizen(), 1, code, "WRONG")
    assert isinstance(await counter.ask(await counter.citizen(), code, "AGAIN"), Slowed)
    bare = await counter.ask(await counter.citizen(), code)
    assert isinstance(bare, Seen if exists else NotShown), "who asks without a secret does not wait for them"


async def test_a_dossier_that_is_guessed_at_slows_no_other(counter: Counter) -> None:
    code, other = await counter.put(new_code()), await counter.put(new_code())
    for _ in range(FREE_FAILURES + 1):
        await fail(counter, await counter.citizen(), 1, code, "WRONG")
    seen = await counter.ask(await counter.citizen(), other, "K7PX")
    assert isinstance(seen, Seen)
    assert seen.private is not None


async def test_the_right_secret_does_not_pass_while_the_code_is_slowed(counter: Counter, later: Any) -> None:
    """Otherwise the wait would tell a guesser nothing but to guess on."""
    code = await counter.put(new_code())
    for _ in range(FREE_FAILURES + 1):
        await fail(counter, await counter.citizen(), 1, code, "WRONG")
    citizen = await counter.citizen()
    assert isinstance(await counter.ask(citizen, code, "K7PX"), Slowed)
    later(timedelta(minutes=1, seconds=1))
    assert isinstance(await counter.ask(citizen, code, "K7PX"), Seen)


async def test_another_provinces_dossier_is_unknown_here(counter: Counter, registry: Registry) -> None:
    other = registry.by_slug("lang-son")
    there = Counter(registry, other.id, await registry.tenant_vault(other.id), counter.book)
    code = await there.put(new_code())
    assert isinstance(await counter.ask(await counter.citizen(), code, "K7PX"), NotShown)
    assert isinstance(await counter.ask(await counter.citizen("0912345678"), code), NotShown)
