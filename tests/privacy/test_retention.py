"""Nothing is kept for ever without a reason, nothing pending goes, and a sweep knows its bounds."""

from datetime import timedelta
from typing import Any

import pytest
from tests.db.rows import BY_NAME, make
from tests.notices.stage import Stage

from govchat.db.tables import metadata
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.privacy import retention
from govchat.privacy.parts import PARTS
from govchat.privacy.retention import RetentionInvalid, rules_on, settle, sweep, table
from govchat.privacy.sweeps import SWEEPS

# Columns that name a citizen.
NAMING = {"citizen_id", "zalo_user_id", "user_id"}


def test_every_table_is_swept_or_says_why_it_stays() -> None:
    ours = {each.name for each in metadata().sorted_tables if "tenant_id" in each.c}
    swept = {name for rule in table().kept for name in rule.tables}
    assert swept | table().stays.keys() == ours, (
        "add the table to privacy/data/retention.toml: to `tables` of a rule in privacy/sweeps.py, or to [stays] with the reason"
    )
    assert not swept & table().stays.keys()
    assert rules_on(clock.now().date()).keys() == SWEEPS.keys()


def test_every_table_that_names_citizens_is_exported_and_erased() -> None:
    naming = {each.name for each in metadata().sorted_tables if "tenant_id" in each.c and NAMING & set(each.c.keys())}
    known = {name for part in PARTS for name in part.tables}
    assert naming <= known, "tell privacy/parts.py how the table is read for an export, and how it is erased"
    assert [part.name for part in PARTS if part.erase is None and not part.stays] == []


async def add(stage: Stage, name: str, **given: Any) -> dict[str, Any]:
    async with stage.db.tenant(stage.id) as session:
        return await make(session, BY_NAME[name], stage.id, **given)


async def left(stage: Stage, name: str, row: dict[str, Any]) -> bool:
    rows = await stage.rows(f"SELECT 1 FROM {name} WHERE tenant_id = :tenant AND id = :id", id=row["id"])
    return bool(rows)


async def test_what_is_past_goes_and_what_is_pending_stays(registry) -> None:
    stage = await Stage.open(registry, "hue")
    now = clock.now()
    later = now + timedelta(days=100)
    inbox = {
        state: await add(stage, "inbox_events", state=state, id=new_id(), received_at=now)
        for state in ("pending", "done", "parked")
    }
    said = {
        state: await add(stage, "outbox_messages", state=state, id=new_id())
        for state in ("queued", "sending", "sent", "failed", "uncertain")
    }  # fmt: skip
    settled = await add(stage, "outbox_messages", state="uncertain", settled_by="contract", id=new_id())
    owing = await add(stage, "outbox_messages", state="sent", id=new_id())
    await add(stage, "notice_tries", message_id=owing["id"], money="reserved")
    told = {one.what: one.gone for one in await sweep(registry, stage.id, now=later)}
    assert (told["inbox"], told["inbox_parked"], told["messages"]) == (1, 0, 3)
    assert [state for state, row in inbox.items() if await left(stage, "inbox_events", row)] == ["pending", "parked"]
    assert [state for state, row in said.items() if await left(stage, "outbox_messages", row)] == [
        "queued",
        "sending",
        "uncertain",
    ]
    assert not await left(stage, "outbox_messages", settled)
    assert await left(stage, "outbox_messages", owing), "its money is not counted yet"
    assert {one.gone for one in await sweep(registry, stage.id, now=later)} == {0}
    assert {one.what: one.gone for one in await sweep(registry, stage.id, now=now + timedelta(days=200))}[
        "inbox_parked"
    ] == 1


async def test_a_run_is_bounded_and_the_next_goes_on(registry) -> None:
    stage = await Stage.open(registry, "an-giang")
    for _ in range(7):
        await add(stage, "inbox_events", state="done", id=new_id(), received_at=clock.now())
    later = clock.now() + timedelta(days=31)

    async def run():
        return next(one for one in await sweep(registry, stage.id, now=later, batch=2, most=5) if one.what == "inbox")

    first, second = await run(), await run()
    assert (first.gone, first.more, second.gone, second.more) == (5, True, 2, False)
    (noted,) = await stage.rows("SELECT gone, more FROM retention_runs WHERE tenant_id = :tenant AND what = 'inbox'")
    assert (noted.gone, noted.more) == (2, False)


async def test_a_province_keeps_things_longer_or_shorter_within_reason(registry) -> None:
    stage = await Stage.open(registry, "dong-nai")
    async with stage.db.tenant(stage.id) as session:
        await settle(session, stage.id, "inbox", 3, actor="cli:test")
        for what, days in (("inbox", 2), ("messages", 40_000), ("everything", 5)):
            with pytest.raises(RetentionInvalid):
                await settle(session, stage.id, what, days, actor="cli:test")
        days = await retention.days_of(session, stage.id)
    assert (days["inbox"], days["messages"]) == (3, 90)
    row = await add(stage, "inbox_events", state="done", id=new_id(), received_at=clock.now())
    await sweep(registry, stage.id, now=clock.now() + timedelta(days=4))
    assert not await left(stage, "inbox_events", row)


async def test_words_go_and_the_record_stays(registry) -> None:
    from tests.petitions.filing import filed

    stage = await Stage.open(registry, "son-la")
    citizen = await stage.citizen()
    ended, running = await filed(stage, citizen), await filed(stage, citizen, text="Một việc khác đang chờ trả lời")
    await stage.run(
        "UPDATE petitions SET state = 'closed', closed_at = :at WHERE tenant_id = :tenant AND id = :id",
        id=ended.id,
        at=clock.now(),
    )
    photo = await add(stage, "stored_files", owner=f"petition:{ended.id}", scan="none")
    await sweep(registry, stage.id, now=clock.now() + timedelta(days=800))
    rows = await stage.rows("SELECT id, code, citizen_id, private_sealed FROM petitions WHERE tenant_id = :tenant")
    by_id = {row.id: row for row in rows}
    assert (by_id[ended.id].code, by_id[ended.id].citizen_id, by_id[ended.id].private_sealed) == (
        ended.code,
        None,
        None,
    )
    assert by_id[running.id].private_sealed is not None
    (file,) = await stage.rows(
        "SELECT delete_after FROM stored_files WHERE tenant_id = :tenant AND id = :id", id=photo["id"]
    )
    assert file.delete_after is not None
