"""In trial only testers get messages, fifty a day; others hear one polite line a day; test keys never reach Zalo."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.kit import clock
from govchat.kit.ids import tenant_id_for
from govchat.kit.phone import normalise
from govchat.tenants import testers
from govchat.tenants.models import STATES
from govchat.tenants.trial import (
    DAILY_LIMIT,
    ROAD,
    Act,
    Why,
    magic,
    magic_phone,
    magic_user,
    may_send,
    polite_line,
)
from govchat.zalo.codes import OA_CODES, ZBS_CODES
from govchat.zalo.errors import Kind
from govchat.zalo.judge import lookup

SOMEBODY, PHONE = "2512523625412515", "84912345678"


def test_a_live_province_writes_to_everybody_and_a_silent_one_to_nobody() -> None:
    assert may_send("live", recipient=SOMEBODY).act is Act.SEND
    for state in ("draft", "suspended", "closed"):
        for is_reply in (True, False):
            told = may_send(state, recipient=SOMEBODY, is_tester=True, is_reply=is_reply)
            assert (told.act, told.why) == (Act.SKIP, Why.STATE)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("recipient", [SOMEBODY, PHONE, magic_user(-230), magic_phone(-118)])
def test_what_a_test_key_causes_never_reaches_zalo_in_any_state(state: str, recipient: str) -> None:
    told = may_send(state, recipient=recipient, from_test_key=True, is_tester=True, is_reply=True)
    assert (told.act, told.why) == (Act.SIMULATE, Why.TEST_KEY)
    assert told.outcome is not None


def test_an_ordinary_recipient_of_a_test_key_is_a_success() -> None:
    told = may_send("live", recipient=SOMEBODY, from_test_key=True)
    assert told.outcome is not None
    assert told.outcome.error() is None


def test_in_trial_a_tester_is_served_up_to_the_limit() -> None:
    def told(sent: int, messages: int = 1) -> Act:
        return may_send("trial", recipient=SOMEBODY, is_tester=True, sent_today=sent, messages=messages).act

    assert told(0) is Act.SEND
    assert told(DAILY_LIMIT - 1) is Act.SEND
    assert told(DAILY_LIMIT) is Act.SKIP
    assert told(DAILY_LIMIT - 1, messages=2) is Act.SKIP


def test_in_trial_a_stranger_who_writes_hears_the_polite_line_once_and_gets_no_notice() -> None:
    assert may_send("trial", recipient=SOMEBODY, is_reply=True).act is Act.DECLINE
    assert may_send("trial", recipient=SOMEBODY, is_reply=True, declined_today=True).why is Why.ALREADY_DECLINED
    assert may_send("trial", recipient=SOMEBODY).why is Why.NOT_A_TESTER
    assert may_send("trial", recipient=PHONE).act is Act.SKIP


@given(
    st.sampled_from(STATES),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 60),
    st.sampled_from([SOMEBODY, PHONE, magic_user(0), magic_phone(-108)]),
)
def test_zalo_is_reached_only_live_or_by_a_tester_in_trial_and_never_by_a_test_key(
    state: str, test_key: bool, reply: bool, tester: bool, sent: int, recipient: str
) -> None:
    told = may_send(
        state, recipient=recipient, from_test_key=test_key, is_reply=reply, is_tester=tester, sent_today=sent
    )
    if told.act is Act.SEND:
        assert not test_key
        assert state == "live" or (state == "trial" and tester and sent < DAILY_LIMIT and magic(recipient) is None)
    if told.act is Act.DECLINE:
        assert (state, tester, test_key) == ("trial", False, False)


@pytest.mark.parametrize("code", [code for code in OA_CODES if code < 0])
def test_every_refusal_of_the_oa_api_has_a_magic_user(code: int) -> None:
    outcome = magic(magic_user(code))
    assert outcome is not None
    error, known = outcome.error(), OA_CODES[code]
    assert error is not None
    assert (error.code, error.kind, error.blame) == (code, known.kind, known.blame)


@pytest.mark.parametrize("code", [code for code in ZBS_CODES if code < 0])
def test_every_refusal_of_templates_by_phone_has_a_magic_number(code: int) -> None:
    assert normalise("0" + magic_phone(code)[2:]) == magic_phone(code)
    outcome = magic(magic_phone(code))
    assert outcome is not None
    error = outcome.error()
    assert error is not None
    assert error.kind is (lookup(outcome.host, code) or OA_CODES[code]).kind


def test_the_failures_of_the_road_and_success_have_magic_recipients_too() -> None:
    for number, kind in ROAD.items():
        for recipient in (magic_user(number), magic_phone(number)):
            told = may_send("trial", recipient=recipient)
            assert told.outcome is not None
            assert type(told.outcome.error()) is kind
    assert may_send("trial", recipient=magic_user(0)).outcome is not None
    assert magic(magic_user(0)).error() is None  # type: ignore[union-attr]
    assert {code.kind for code in OA_CODES.values() if code.code < 0} == set(Kind)


@pytest.mark.parametrize(
    "recipient", ["", SOMEBODY, PHONE, "99900000000000x0230", "999000000000230", "8410000118", "841000001180"]
)
def test_nobody_else_is_magic(recipient: str) -> None:
    assert magic(recipient) is None


def test_the_polite_line_names_the_province_and_who_to_call() -> None:
    assert polite_line("Thành phố Huế", "1900 1075").endswith("xin gọi 1900 1075.")
    assert "gọi" not in polite_line("Thành phố Huế", None)


# --- the gate: the same with the facts of the database ---

HUE = tenant_id_for("hue")


async def passed(db, recipient=SOMEBODY, state="trial", **more):
    async with db.tenant(HUE) as session:
        return await testers.gate(session, HUE, state, recipient=recipient, **more)


async def listed(db, *ids: str) -> None:
    async with db.tenant(HUE) as session:
        for each in ids:
            await testers.add(session, HUE, each, actor="cli:test")


async def test_the_gate_lets_exactly_fifty_a_day_through_whoever_asks_at_once(db):
    await listed(db, "7001", "7002")
    with clock.shifted(timedelta(days=30)):
        told = await asyncio.gather(*(passed(db, f"700{1 + n % 2}") for n in range(DAILY_LIMIT + 10)))
        assert [each.act for each in told].count(Act.SEND) == DAILY_LIMIT
        assert {each.why for each in told} == {Why.TESTER, Why.DAILY_LIMIT}
    with clock.shifted(timedelta(days=31)):
        assert (await passed(db, "7001", messages=DAILY_LIMIT)).act is Act.SEND
        assert (await passed(db, "7001")).why is Why.DAILY_LIMIT
        assert (await passed(db, magic_user(-230))).why is Why.MAGIC_RECIPIENT


async def test_what_is_rolled_back_is_not_counted(db):
    await listed(db, "7003")
    with clock.shifted(timedelta(days=40)):
        for _ in range(3):
            try:
                async with db.tenant(HUE) as session:
                    told = await testers.gate(session, HUE, "trial", recipient="7003", messages=DAILY_LIMIT)
                    assert told.act is Act.SEND
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass


async def test_a_stranger_hears_the_polite_line_once_a_day(db):
    told = await asyncio.gather(*(passed(db, "7101", is_reply=True) for _ in range(4)))
    assert sorted(each.act.value for each in told) == ["decline", "skip", "skip", "skip"]
    assert (await passed(db, "7102", is_reply=True)).act is Act.DECLINE
    with clock.shifted(timedelta(days=1)):
        assert (await passed(db, "7101", is_reply=True)).act is Act.DECLINE
    # Whoever is asked about out of order changes nothing.
    assert (await passed(db, "7101", is_reply=True)).act is Act.SKIP


async def test_who_leaves_the_list_is_a_stranger_again(db):
    await listed(db, "7201")
    assert (await passed(db, "7201")).act is Act.SEND
    async with db.tenant(HUE) as session:
        await testers.remove(session, HUE, "7201", actor="cli:test")
    assert (await passed(db, "7201")).why is Why.NOT_A_TESTER
    with pytest.raises(testers.TesterUnknown, match="tester list"):
        async with db.tenant(HUE) as session:
            await testers.remove(session, HUE, "7201", actor="cli:test")


async def test_a_live_province_asks_the_database_nothing():
    told = await testers.gate(None, HUE, "live", recipient=SOMEBODY)  # type: ignore[arg-type]
    assert told.act is Act.SEND
