"""The table of cases: every way a notice can go, and every reason why it doesn't."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.notices.channel import Case, Channel, Offer, decide
from govchat.notices.quiet import SPREAD, Quiet

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # 12:00 in Vietnam
NIGHT = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)  # 23:30
MORNING = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)  # 06:00 the next day
HOUR = timedelta(hours=1)

UID, PHONE = Offer(price=300), Offer(price=800, at_night=False)
ALL: dict[str, Any] = {"uid": UID, "phone": PHONE, "phone_known": True, "phone_consented": True, "budget_left": 10_000}


def case(hours_ago: float | None = 1, at: datetime = NOON, **changes: Any) -> Case:
    last = None if hours_ago is None else at - hours_ago * HOUR
    return Case(**({"now": at, "earliest": at, "last_interaction": last} | changes))


TABLE: list[tuple[str, Case, str | None, int, str]] = [
    # what, case, channel, cost, a word of the reason
    ("just spoke", case(0), "cs", 0, "free"),
    ("spoke 47 hours ago", case(47), "cs", 0, "free"),
    ("48 hours are over when it arrives", case(47.99), None, 0, "no channel"),
    ("50 hours ago, nothing paid", case(50), None, 0, "no channel"),
    ("50 hours ago, the province pays", case(50, paid_window=True, budget_left=55), "cs_paid", 55, "pays"),
    ("50 hours ago, pays, one đồng short", case(50, paid_window=True, budget_left=54), None, 0, "no channel"),
    ("50 hours ago, doesn't pay, has templates", case(50, **ALL), "uid", 300, "user id"),
    ("50 hours ago, pays and has templates", case(50, paid_window=True, **ALL), "cs_paid", 55, "pays"),
    ("8 days ago, pays", case(24 * 8, paid_window=True, budget_left=1000), None, 0, "no channel"),
    ("8 days ago, template by user id", case(24 * 8, **ALL), "uid", 300, "user id"),
    ("never spoke, template by user id", case(None, **ALL), "uid", 300, "user id"),
    ("no variant by user id", case(None, **ALL | {"uid": Offer(wrong="no variant")}), "phone", 800, "telephone"),
    ("template not approved", case(None, **ALL | {"uid": Offer(wrong="PENDING"), "phone": Offer(wrong="PENDING")}), None, 0, ""),
    ("no template mapped", case(None, budget_left=9999, phone_known=True, phone_consented=True), None, 0, "no channel"),
    ("known by number alone", case(1, known_to_zalo=False, **ALL), "phone", 800, "telephone"),
    ("number without consent", case(None, **ALL | {"uid": None, "phone_consented": False}), None, 0, "no channel"),
    ("consent without number", case(None, **ALL | {"uid": None, "phone_known": False}), None, 0, "no channel"),
    ("free template without money", case(None, uid=Offer(price=0)), "uid", 0, "user id"),
    ("money for neither", case(None, **ALL | {"budget_left": 299}), None, 0, "no channel"),
    ("account could not be charged", case(None, paying=False, **ALL), None, 0, "no channel"),
    ("account could not be charged, but free", case(1, paying=False, **ALL), "cs", 0, "free"),
    ("blocked in the chat", case(1, blocked=frozenset({"cs"}), **ALL), "uid", 300, "user id"),
    ("blocked in the chat, paid window", case(50, paid_window=True, blocked=frozenset({"cs"}), **ALL), "uid", 300, ""),
    ("blocked everywhere", case(1, blocked=frozenset({"cs", "uid", "phone"}), **ALL), None, 0, "no channel"),
    ("refused in the chat just now", case(1, tried=frozenset({"cs"}), **ALL), "uid", 300, "user id"),
    ("refused by user id too", case(1, tried=frozenset({"cs", "uid"}), **ALL), "phone", 800, "telephone"),
    ("refused everywhere", case(1, tried=frozenset({"cs", "uid", "phone"}), **ALL), None, 0, "no channel"),
    ("never consented", case(1, consented=False), None, 0, "no consent"),
    ("withdrew", case(1, consented=False, objected=True), None, 0, "withdrew"),
    ("the dossier has another number now", case(1, proof_holds=False), None, 0, "lapsed"),
    ("suspended province", case(1, tenant_state="suspended"), None, 0, "suspended"),
    ("trial, a stranger", case(1, tenant_state="trial"), None, 0, "not on the list"),
    ("trial, on the list", case(1, tenant_state="trial", is_tester=True), "cs", 0, "free"),
    ("trial, fifty said", case(1, tenant_state="trial", is_tester=True, trial_left=0), None, 0, "50"),
    ("trial, test key, a stranger", case(1, tenant_state="trial", test=True), "cs", 0, "free"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given_", "channel", "cost", "reason"), TABLE, ids=[row[0] for row in TABLE])
def test_the_cheapest_channel_that_is_open_is_chosen(
    what: str, given_: Case, channel: str | None, cost: int, reason: str
) -> None:
    decision = decide(given_)
    assert (decision.channel, decision.cost) == (channel, cost), decision
    assert reason in decision.reason
    assert decision.due_at == (given_.now if channel else None)


CLOCK: list[tuple[str, Case, str, timedelta | None]] = [
    # what, case, channel, how long after 06:00 (None: at once)
    ("the chat rings: wait for the morning", case(1, NIGHT), "cs", timedelta()),
    ("urgent passes", case(1, NIGHT, urgent=True), "cs", None),
    ("no quiet hours", case(1, NIGHT, quiet=Quiet(time(0), time(0))), "cs", None),
    ("the window closes during the night", case(44, NIGHT, **ALL), "uid", None),
    ("by user id it is silent: at once", case(None, NIGHT, **ALL), "uid", None),
    ("by number it rings", case(None, NIGHT, **ALL | {"uid": None}), "phone", timedelta()),
    ("by number, urgent, but Zalo sleeps", case(None, NIGHT, urgent=True, **ALL | {"uid": None}), "phone", timedelta()),
    ("by number, urgent, Zalo awake", case(None, NIGHT, urgent=True, **ALL | {"uid": None, "phone": Offer()}), "phone", None),
    ("no quiet hours, but Zalo sleeps", case(None, NIGHT, quiet=Quiet(time(0), time(0)), **ALL | {"uid": None}), "phone", timedelta()),
    ("jitter spreads the morning", case(1, NIGHT, jitter=0.5), "cs", SPREAD / 2),
    ("before midnight and after it", case(1, NIGHT + 3 * HOUR), "cs", timedelta()),
    ("today's allowance is spent", case(None, **ALL | {"uid": None, "phone": Offer(spent=True)}), "phone", timedelta()),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given_", "channel", "after"), CLOCK, ids=[row[0] for row in CLOCK])
def test_nobody_is_woken_without_need(what: str, given_: Case, channel: str, after: timedelta | None) -> None:
    decision = decide(given_)
    assert decision.channel == channel
    assert decision.due_at == (given_.now if after is None else MORNING + after)
    assert decision.held == (after is not None)


def test_why_not_is_told_for_every_channel_before_the_chosen_one() -> None:
    decision = decide(case(100, blocked=frozenset({"uid"}), **ALL))
    assert decision.channel is Channel.PHONE
    assert [channel for channel, _ in decision.against] == ["cs", "cs_paid", "uid"]
    assert "48 hours" in decision.against[0][1]
    assert "does not pay" in decision.against[1][1]


offers = st.none() | st.builds(
    Offer, price=st.integers(0, 1000), at_night=st.booleans(), wrong=st.none() | st.just("no")
)
cases = st.builds(
    case,
    st.none() | st.floats(0, 400),
    st.integers(0, 47).map(lambda half: NOON + half * HOUR / 2),
    paid_window=st.booleans(),
    uid=offers,
    phone=offers,
    phone_known=st.booleans(),
    phone_consented=st.booleans(),
    budget_left=st.integers(0, 1000),
    paying=st.booleans(),
    urgent=st.booleans(),
    known_to_zalo=st.booleans(),
    blocked=st.frozensets(st.sampled_from(["cs", "uid", "phone"])),
    jitter=st.floats(0, 1),
)


@given(cases)
def test_whatever_is_chosen_is_paid_for_allowed_and_at_a_lawful_hour(one: Case) -> None:
    decision = decide(one)
    if decision.channel is None:
        assert len(decision.against) == len(Channel)
        return
    assert decision.due_at is not None
    assert decision.due_at >= one.earliest
    assert decision.cost <= one.budget_left
    assert decision.channel is Channel.PHONE or one.known_to_zalo
    if decision.channel is not Channel.UID and not one.urgent:
        assert not one.quiet.holds(decision.due_at)
    if decision.channel is Channel.PHONE:
        assert one.phone_known
        assert one.phone_consented
    cheaper = decide(msgspec.structs.replace(one, tried=frozenset({decision.channel.value.removesuffix("_paid")})))
    assert cheaper.channel != decision.channel
