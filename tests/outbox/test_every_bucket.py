"""A claim takes from every bucket that applies, or from none: days of templates, the account's day, a campaign's money, what is under way.

Many workers claim at once, what they claimed ends in every way; after each step the buckets are counted against the messages themselves.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.db.rows import BY_NAME, make
from tests.house import House
from tests.outbox.test_claim import result

from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.outbox import template_day
from govchat.outbox.claim import Claimed, Want, claim, record
from govchat.sender.drain import BULK, INTERACTIVE
from govchat.tenants.registry import Tenant

QUOTA = {"A": 5, "B": 9}
BY_PHONE, CEILING, PRICE = 4, 700, 100
PEOPLE = 60
LIVE = ("sending", "sent", "uncertain")
templates = st.sampled_from(sorted(QUOTA))
few = st.integers(1, 6)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("notices"), templates, st.sampled_from(["uid", "phone"]), few),
        st.tuples(st.just("recipients"), templates, few),
        st.tuples(st.just("claims"), st.lists(st.tuples(st.sampled_from([INTERACTIVE, BULK]), few), min_size=1, max_size=4)),
        st.tuples(st.just("ends"), st.sampled_from(["sent", "failed", "queued", "held back", "uncertain"]), few),
        st.tuples(st.just("zalo says spent"), st.sampled_from(["A", template_day.ACCOUNT])),
    ),
    min_size=4,
    max_size=14,
)  # fmt: skip


@dataclass
class Ground:
    """One province, its people, and what workers hold of it."""

    desk: House
    tenant: Tenant
    notice_id: UUID
    citizens: list[UUID]
    bodies: dict[str, UUID] = field(default_factory=dict)
    held: list[tuple[UUID, Claimed]] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    used: Counter[str] = field(default_factory=Counter)

    async def run(self, sql: str, **values: Any) -> list[Any]:
        async with self.desk.registry.db.tenant(self.tenant.id) as session:
            found = await session.execute(text(sql), {"tenant": self.tenant.id, **values})
            return list(found.all()) if found.returns_rows else []  # type: ignore[attr-defined]

    async def clear(self) -> None:
        """As if nothing had ever been said here; two campaigns stand open."""
        tables = (
            "outbox_messages",
            "notice_tries",
            "template_days",
            "template_returns",
            "outbox_tallies",
            "outbox_bodies",
        )
        async with self.desk.registry.db.tenant(self.tenant.id) as session:
            for table in tables:
                await session.execute(
                    text(f"DELETE FROM {table} WHERE tenant_id = :tenant"), {"tenant": self.tenant.id}
                )
        self.held, self.spent, self.used = [], set(), Counter()
        self.bodies = {template: new_id() for template in QUOTA}
        for template, body in self.bodies.items():
            await self.run(
                "INSERT INTO outbox_bodies (tenant_id, id, is_open, rank, body_sealed, by_cs, price_uid, is_promotion, fields, ceiling, "
                "template_id) VALUES (:tenant, :id, true, 0, 'x', false, :price, false, '{}', :ceiling, :template)",
                id=body, price=PRICE, ceiling=CEILING, template=template,
            )  # fmt: skip

    async def put(self, template: str, count: int, channel: str | None = None) -> None:
        """Notices on a channel, or recipients of the template's campaign."""
        body = None if channel else self.bodies[template]
        pool = template if body else "notices"
        people = self.citizens[self.used[pool] :][:count]
        self.used[pool] += len(people)
        values = {
            "ids": [new_id() for _ in people],
            "people": people,
            "body": body,
            "template": template,
            "channel": channel,
        }
        await self.run(
            "INSERT INTO outbox_messages (tenant_id, id, lane, dedupe_key, cause, citizen_id, body_sealed, echo_hash, body_ref) "
            "SELECT :tenant, m.id, CASE WHEN b.ref IS NULL THEN 1 ELSE 3 END, CASE WHEN b.ref IS NULL THEN m.id::text END, 'test', m.who, "
            "CASE WHEN b.ref IS NULL THEN 'x'::bytea END, '', b.ref "
            "FROM unnest(CAST(:ids AS uuid[]), CAST(:people AS uuid[])) AS m(id, who), (SELECT CAST(:body AS uuid)) AS b(ref)",
            **values,
        )
        if channel:
            await self.run(
                "INSERT INTO notice_tries (tenant_id, message_id, notice_id, number, channel, template_id, cost, money, period, held, "
                "planned_at) SELECT :tenant, id, :notice, 1, :channel, :template, 0, 'none', '2026-11', false, now() "
                "FROM unnest(CAST(:ids AS uuid[])) AS m(id)",
                notice=self.notice_id, **values,
            )  # fmt: skip

    async def claims(self, asked: list[tuple[tuple[int, int], int]]) -> None:
        """So many workers at once, each until it was its turn."""

        async def one(lanes: tuple[int, int], most: int) -> None:
            worker = new_id()
            while True:
                got, in_the_way = await claim(self.desk.registry.db, worker, lanes, [Want(self.tenant.id, most, most)])
                if not in_the_way:
                    break
            self.held += [(worker, message) for message in got.get(self.tenant.id, [])]

        await asyncio.gather(*(one(*each) for each in asked))

    async def ends(self, how: str, count: int) -> None:
        for worker, message in self.held[:count]:
            state = "queued" if how == "held back" else how
            due = clock.now() + timedelta(hours=1) if how == "queued" else None
            became = result(message, state, counts=how != "held back", due_at=due)
            assert await record(self.desk.registry.db, worker, [(self.tenant.id, became)]) == 1
        del self.held[:count]

    async def check(self) -> None:
        """Each bucket holds exactly what is under way or was said: no more than its limit, and nothing that leaked."""
        said = await self.run(
            "SELECT coalesce(t.template_id, b.template_id) AS template, coalesce(t.channel, m.channel) AS channel, m.state, m.body_ref, "
            "coalesce(m.cost, 0) AS cost FROM outbox_messages m "
            "LEFT JOIN notice_tries t ON t.tenant_id = m.tenant_id AND t.message_id = m.id "
            "LEFT JOIN outbox_bodies b ON b.tenant_id = m.tenant_id AND b.id = m.body_ref WHERE m.tenant_id = :tenant"
        )
        live = [row for row in said if row.state in LIVE]
        by_template, by_phone = Counter(row.template for row in live), sum(row.channel == "phone" for row in live)
        assert by_phone <= BY_PHONE, "more to telephone numbers than Zalo allows the account"
        rooms = await self.run(
            "SELECT template, outbox_day_room(:tenant, template, false, :day) AS room, "
            "outbox_day_room(:tenant, template, true, :day) AS phone FROM unnest(CAST(:templates AS text[])) AS template",
            templates=list(QUOTA), day=clock.now().astimezone(clock.VN).date(),
        )  # fmt: skip
        for template, room, phone in rooms:
            said_of_it, quota = by_template[template], QUOTA[template]
            assert said_of_it <= quota, f"more of {template} than Zalo allows"
            if midnight_is_near():  # nothing is given back then, and what was said belongs to two days
                continue
            left = 0 if template in self.spent else quota - said_of_it
            assert room == left, f"{room} of {template} are left, but {left} were not said: something leaked"
            assert phone == min(left, 0 if template_day.ACCOUNT in self.spent else BY_PHONE - by_phone)
        money = await self.run(
            "SELECT b.id, b.reserved, (SELECT coalesce(sum(y.refund), 0) FROM outbox_tallies y WHERE y.tenant_id = b.tenant_id AND "
            "y.body_ref = b.id) FROM outbox_bodies b WHERE b.tenant_id = :tenant"
        )
        for body, reserved, back in money:
            kept = sum(row.cost for row in said if row.body_ref == body and row.state not in ("failed", "skipped"))
            assert (reserved - back, reserved <= CEILING) == (kept, True), (
                "money leaked, or more was set aside than the ceiling"
            )


def midnight_is_near() -> bool:
    """Within some minutes of it, in Vietnam."""
    local = clock.now().astimezone(clock.VN)
    return (local + timedelta(minutes=3)).date() != (local - timedelta(minutes=3)).date()


@pytest.fixture(scope="module")
async def ground(desk: House) -> Ground:
    tenant = desk.registry.by_slug("thanh-hoa")
    async with desk.registry.db.tenant(tenant.id) as session:
        notice = await make(session, BY_NAME["notices"], tenant.id)
        people = [
            (await make(session, BY_NAME["citizens"], tenant.id, zalo_user_id=f"bucket-{number}", follows=True))["id"]
            for number in range(PEOPLE)
        ]
        for template, quota in QUOTA.items():
            await make(session, BY_NAME["zbs_templates"], tenant.id, template_id=template, quota=quota)
        await make(session, BY_NAME["notice_settings"], tenant.id, daily_quota=BY_PHONE)
    return Ground(desk, tenant, notice["id"], people)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
async def test_no_bucket_is_ever_passed_and_nothing_leaks_when_one_refuses(ground: Ground, steps: list[Any]) -> None:
    await ground.clear()
    for act, *more in steps:
        match act:
            case "notices":
                await ground.put(more[0], more[2], more[1])
            case "recipients":
                await ground.put(more[0], more[1])
            case "claims":
                await ground.claims(more[0])
            case "ends":
                await ground.ends(*more)
            case _:
                async with ground.desk.registry.db.tenant(ground.tenant.id) as session:
                    today = clock.now().astimezone(clock.VN).date()
                    await template_day.spent_for(session, ground.tenant.id, more[0], today)
                ground.spent.add(more[0])
        await ground.check()


async def test_what_a_day_has_no_room_for_stands_in_nobodys_way(ground: Ground) -> None:
    await ground.clear()
    await ground.put("A", 20, "uid")
    await ground.put("B", 3, "phone")
    await ground.claims([(INTERACTIVE, 4)] * 2)
    assert len(ground.held) == QUOTA["A"], "four, one more, and the rest was put off at once"
    await ground.claims([(INTERACTIVE, 4)])
    assert len(ground.held) == QUOTA["A"] + 3, "what waits behind them goes"
    later = await ground.run(
        "SELECT a.kind, m.attempts, m.due_at > now() AS later FROM outbox_messages m JOIN outbox_attempts a ON a.tenant_id = m.tenant_id "
        "AND a.message_id = m.id WHERE m.tenant_id = :tenant AND m.state = 'queued'"
    )
    assert {tuple(row) for row in later} == {("template_spent", 0, True)}
    assert len(later) == 20 - QUOTA["A"]
    await ground.check()


async def test_what_is_under_way_for_an_account_is_bounded_over_all_processes(ground: Ground) -> None:
    await ground.clear()
    extra = []
    async with ground.desk.registry.db.tenant(ground.tenant.id) as session:
        for number in range(150):
            one = await make(
                session, BY_NAME["citizens"], ground.tenant.id, zalo_user_id=f"slow-{number}", follows=True
            )
            extra.append(one["id"])
    await ground.run(
        "INSERT INTO outbox_messages (tenant_id, id, lane, dedupe_key, cause, citizen_id, body_sealed, echo_hash) "
        "SELECT :tenant, gen_random_uuid(), 1, 'bound:' || n, 'test', c, 'x', '' "
        "FROM unnest(CAST(:people AS uuid[])) WITH ORDINALITY AS x(c, n)",
        people=extra,
    )
    # Ten processes with sixteen slots each, all at once, and again: an account that answers nothing holds no more than its share.
    for _ in range(2):
        await ground.claims([(INTERACTIVE, 16)] * 10)
    assert len(ground.held) == 96
    await ground.run("UPDATE outbox_messages SET lane = 0 WHERE tenant_id = :tenant AND state = 'queued'")
    await ground.claims([(INTERACTIVE, 16)] * 4)
    assert len(ground.held) == 128, "replies have a share of their own"
    await ground.ends("sent", 5)
    await ground.claims([(INTERACTIVE, 16)])
    assert len(ground.held) == 128, "as many as were done go next"
    # A process that died holds nothing for longer than its messages can be on their way.
    await ground.run(
        "UPDATE outbox_messages SET claimed_at = now() - interval '31 seconds' WHERE tenant_id = :tenant AND state = 'sending'"
    )
    await ground.claims([(INTERACTIVE, 16)] * 2)
    assert len(ground.held) > 128
