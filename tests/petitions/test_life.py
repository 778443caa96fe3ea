"""From assignment to the citizen's last word, and what the citizen hears on the way."""

from datetime import timedelta

import pytest
from tests.petitions.filing import TEXT, do, filed

from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.petitions import handle, settle, watch
from govchat.petitions.change import PetitionMoveRefused, PetitionNotFound
from govchat.petitions.lookup import status_of
from govchat.petitions.schemas import Answer, Assign, Close, Forward, Merge
from govchat.petitions.settle import PetitionStaysClosed
from govchat.petitions.tell import tell_waiting

WORDS = "Đội duy tu đã vá mặt đường ngày 24/11/2026."
KEY = "key:test"


async def said(stage, made) -> list:
    rows = await stage.rows(
        "SELECT * FROM outbox_messages WHERE tenant_id = :tenant AND dedupe_key LIKE :key ORDER BY seq",
        key=f"petition:{made.id}#%",
    )
    return [stage.opened(row) for row in rows]


async def spoke_now(stage, **how):
    return await stage.citizen(now=clock.now(), **how)


async def answered(stage, citizen, **changes):
    made = await filed(stage, citizen, **changes)
    await do(stage, handle.answer, made.code, Answer(text=WORDS, unit="UBND phường Xuân Hương"), actor=KEY)
    return made


async def test_the_answer_is_said_in_the_chat_with_two_buttons(stage) -> None:
    citizen = await spoke_now(stage)
    made = await filed(stage, citizen)
    await do(stage, handle.assign, made.code, Assign(unit="Phòng Kinh tế", officer="Trần Văn An"), actor=KEY)
    row = await do(stage, handle.answer, made.code, Answer(text=WORDS), actor=KEY)
    assert (row.state, row.unit, row.delivery) == ("answered", "Phòng Kinh tế", "planned")
    (message,) = await said(stage, made)
    assert made.code in message.plain_text
    assert WORDS in message.plain_text
    assert "Phòng Kinh tế" in message.plain_text
    assert [(one.title, one.payload) for one in message.buttons] == [
        ("Đã giải quyết xong", f"xác nhận {made.code}"),
        ("Chưa giải quyết", f"mở lại {made.code}"),
    ]
    standing = await do(stage, status_of, citizen.id, made.code)
    assert (standing.answer, standing.can_confirm, standing.can_reopen) == (WORDS, True, True)


async def test_a_citizen_who_confirms_ends_it_and_may_still_come_back(stage) -> None:
    citizen, other = await spoke_now(stage), await spoke_now(stage)
    made = await answered(stage, citizen)
    with pytest.raises(PetitionNotFound):
        await do(stage, settle.confirm, other.id, made.code)
    for _ in range(2):
        assert (await do(stage, settle.confirm, citizen.id, made.code)).state == "confirmed"
    again = await do(stage, settle.reopen, citizen.id, made.code, why="Mưa xong lại hỏng")
    assert (again.state, again.reopened, again.closed_at) == ("reopened", 1, None)


async def test_a_petition_is_reopened_twice_and_not_a_third_time(stage) -> None:
    citizen = await spoke_now(stage)
    made = await answered(stage, citizen)
    for number in (1, 2):
        row = await do(stage, settle.reopen, citizen.id, made.code, why="Vẫn còn ổ gà")
        assert row.reopened == number
        assert row.due_at > clock.now()
        assert (await do(stage, settle.reopen, citizen.id, made.code)).reopened == number
        await do(stage, handle.answer, made.code, Answer(text=WORDS), actor=KEY)
    with pytest.raises(PetitionStaysClosed, match="reopened 2 times"):
        await do(stage, settle.reopen, citizen.id, made.code)


async def test_after_its_time_a_petition_stays_as_it_is(stage) -> None:
    citizen = await spoke_now(stage)
    made = await answered(stage, citizen)
    with pytest.raises(PetitionStaysClosed, match="file a new one"):
        await do(stage, settle.reopen, citizen.id, made.code, at=clock.now() + timedelta(days=16))


async def test_who_can_not_be_told_is_told_when_they_next_write(stage) -> None:
    citizen = await spoke_now(stage, spoke=timedelta(days=9))
    made = await filed(stage, citizen)
    row = await do(stage, handle.answer, made.code, Answer(text=WORDS), actor=KEY)
    assert (row.delivery, row.delivery_reason) == ("none", "no channel is open")
    assert await said(stage, made) == []
    ((words, buttons),) = await do(stage, tell_waiting, citizen.id)
    assert WORDS in words
    assert len(buttons) == 2
    assert await do(stage, tell_waiting, citizen.id) == []


async def test_between_two_and_seven_days_the_province_pays_or_nobody_is_told(stage) -> None:
    citizen = await spoke_now(stage, spoke=timedelta(days=4))
    made = await filed(stage, citizen)
    await stage.run("INSERT INTO notice_settings (tenant_id, monthly_budget, paid_window) VALUES (:tenant, 60, true)")
    try:
        assert (await do(stage, handle.answer, made.code, Answer(text=WORDS), actor=KEY)).delivery == "planned"
        assert len(await said(stage, made)) == 1
        row = await do(stage, handle.answer, made.code, Answer(text="Bổ sung"), actor=KEY)
        assert row.delivery == "none", "60 đồng pay for one message of 55"
        (spent,) = await stage.rows("SELECT sum(spent) AS spent FROM notice_budgets WHERE tenant_id = :tenant")
        assert spent.spent == 55
    finally:
        await stage.run("DELETE FROM notice_settings WHERE tenant_id = :tenant")


async def test_a_test_key_says_nothing(stage) -> None:
    made = await filed(stage, await spoke_now(stage))
    row = await do(stage, handle.answer, made.code, Answer(text=WORDS), actor=KEY, test=True)
    assert row.delivery == "test"
    assert await said(stage, made) == []


async def test_a_long_answer_is_cut_between_sentences_and_the_last_part_has_the_buttons(stage) -> None:
    made = await filed(stage, await spoke_now(stage))
    await do(stage, handle.answer, made.code, Answer(text=f"{WORDS} " * 100), actor=KEY)
    parts = await said(stage, made)
    assert len(parts) > 1
    assert [len(part.buttons) for part in parts] == [0] * (len(parts) - 1) + [2]


async def test_an_answer_goes_to_everybody_who_reported_the_same(stage) -> None:
    people = [await spoke_now(stage) for _ in range(3)]
    main, second, third = [await filed(stage, one) for one in people]
    await do(stage, handle.merge, third.code, Merge(into=second.code), actor=KEY)
    await do(stage, handle.merge, second.code, Merge(into=main.code), actor=KEY)
    with pytest.raises(PetitionMoveRefused):
        await do(stage, handle.merge, main.code, Merge(into=third.code), actor=KEY)
    await do(stage, handle.answer, main.code, Answer(text=WORDS, unit="Sở Xây dựng"), actor=KEY)
    for made, citizen in zip((main, second, third), people, strict=True):
        assert WORDS in (await said(stage, made))[-1].plain_text
        assert (await do(stage, status_of, citizen.id, made.code)).state == "answered"


async def test_the_end_without_an_answer_is_told_with_its_reason(stage) -> None:
    citizen = await spoke_now(stage)
    made, elsewhere = await filed(stage, citizen), await filed(stage, citizen, text="Mất điện từ chiều hôm qua")
    await do(stage, handle.close, made.code, Close(reason="Không nêu rõ địa điểm."), actor=KEY)
    assert "Không nêu rõ địa điểm." in (await said(stage, made))[0].plain_text
    assert (await do(stage, settle.reopen, citizen.id, made.code, why=TEXT)).state == "reopened"
    await do(stage, handle.forward, elsewhere.code, Forward(to="Công ty Điện lực Lâm Đồng"), actor=KEY)
    assert "Công ty Điện lực Lâm Đồng" in (await said(stage, elsewhere))[0].plain_text
    with pytest.raises(PetitionMoveRefused):
        await do(stage, handle.answer, elsewhere.code, Answer(text=WORDS), actor=KEY)


async def test_time_marks_late_ones_once_and_ends_silent_ones(registry) -> None:
    from tests.notices.stage import Stage

    stage = await Stage.open(registry, "son-la")
    late = await filed(stage, await spoke_now(stage))
    silent = await answered(stage, await spoke_now(stage))
    later = clock.now() + timedelta(days=40)
    assert await do(stage, watch.watch, now=later) == (1, 1)
    assert await do(stage, watch.watch, now=later) == (0, 0)
    rows = await stage.rows("SELECT id, state, flags, overdue_at FROM petitions WHERE tenant_id = :tenant")
    by_id = {row.id: row for row in rows}
    assert by_id[late.id].overdue_at is not None
    assert (by_id[silent.id].state, by_id[silent.id].flags) == ("closed", ["silent"])


async def test_what_happened_can_not_be_changed(stage) -> None:
    from sqlalchemy.exc import DBAPIError

    made = await filed(stage, await spoke_now(stage))
    for statement in (
        "UPDATE petition_events SET act = 'closed' WHERE tenant_id = :tenant AND petition_id = :id",
        "DELETE FROM petition_events WHERE tenant_id = :tenant AND petition_id = :id",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            await stage.run(statement, id=made.id)


async def test_no_words_of_a_petition_stand_in_a_callback(stage: object, registry) -> None:
    from tests.notices.stage import Stage

    from govchat.callbacks.put import body_context

    stage = await Stage.open(registry, "ca-mau")
    await stage.run(
        "INSERT INTO callback_endpoints (tenant_id, id, url, kinds, description, timeout_s, secret_sealed)"
        " VALUES (:tenant, gen_random_uuid(), 'https://motcua.example', '{}', '', 5, '')"
    )
    citizen = await spoke_now(stage)
    made = await answered(stage, citizen)
    await do(stage, settle.reopen, citizen.id, made.code, why="Riêng tư")
    rows = await stage.rows("SELECT * FROM callback_deliveries WHERE tenant_id = :tenant ORDER BY message_id")
    assert [row.kind for row in rows] == ["petition.created", "petition.answered", "petition.reopened"]
    vault: TenantVault = stage.vault
    for row in rows:
        body = vault.open(row.body_sealed, body_context(row.message_id)).decode()
        assert made.code in body
        for private in (TEXT, WORDS, "Riêng tư", "Hiền", str(citizen.id), citizen.zalo_user_id):
            assert private not in body
