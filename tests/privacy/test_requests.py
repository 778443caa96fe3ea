"""What citizens may ask about their data: acknowledged at once, exported whole, erased step by step."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.db.rows import BY_NAME, make
from tests.house import House, open_house
from tests.notices.stage import NOON, Stage
from tests.petitions.filing import TEXT, do, filed

from govchat.citizens import consent, know
from govchat.handoff.mute import mute
from govchat.inbox.put import body_context
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.outbox.put import Draft, Lane, put
from govchat.petitions import handle as petitions
from govchat.petitions.schemas import Close
from govchat.privacy import erase
from govchat.privacy.export import export
from govchat.privacy.forget import forget_words
from govchat.privacy.handle import PrivacyMoveRefused, extend, finish
from govchat.privacy.parts import CitizenGone, summary
from govchat.privacy.request import PrivacyRequestUnfit, ask, own
from govchat.zalo import messages

WROTE = "Tôi tên Hiền, nhà ở số 12 Nguyễn Trãi"


async def event(stage: Stage, citizen: know.Citizen, **given: Any) -> dict[str, Any]:
    """Something the citizen wrote, as the webhook stored it and the worker left it."""
    from govchat.kit.ids import new_id

    event_id = new_id()
    body = {
        "app_id": "1", "user_id_by_app": "2", "event_name": "user_send_text", "timestamp": "1763600000000",
        "sender": {"id": citizen.zalo_user_id}, "recipient": {"id": stage.tenant.oa_id},
        "message": {"text": WROTE, "msg_id": event_id.hex},
    }  # fmt: skip
    sealed = stage.vault.seal(msgspec.json.encode(body), body_context(event_id))
    async with stage.db.tenant(stage.id) as session:
        return await make(
            session, BY_NAME["inbox_events"], stage.id,
            **{"id": event_id, "user_id": citizen.zalo_user_id, "state": "done", "body_sealed": sealed} | given,
        )  # fmt: skip


async def full_life(stage: Stage) -> tuple[know.Citizen, Any]:
    """A citizen about whom something stands everywhere."""
    change = await stage.dossier()
    citizen = await stage.follower(change, now=clock.now())
    await stage.run(
        "UPDATE dossiers SET status = 10, code_key = code WHERE tenant_id = :tenant AND id = :id", id=change.dossier_id
    )
    await stage.plan(change)
    made = await filed(stage, citizen)
    await event(stage, citizen)
    async with stage.db.tenant(stage.id) as session:
        await consent.keep_phone(session, stage.vault, stage.id, citizen.id, "84912345678", how="chat", at=NOON)
        await mute(session, stage.id, [(citizen.zalo_user_id, clock.now())])
        await make(session, BY_NAME["conversations"], stage.id, citizen_id=citizen.id)
        await make(session, BY_NAME["lookup_failures"], stage.id, subject=f"c:{citizen.id}", failures=2)
        await make(session, BY_NAME["tenant_testers"], stage.id, zalo_user_id=citizen.zalo_user_id)
        from govchat.ratings.give import explain, give

        given = await give(session, stage.vault, stage.id, citizen.id, change.code, 1)
        await explain(session, stage.vault, stage.id, citizen.id, given.dossier_id, comment="Chờ lâu quá")
        said = messages.text(citizen.zalo_user_id, "Dạ, hồ sơ của chị Hiền đã xong.")
        draft = Draft(
            citizen_id=citizen.id,
            message=said,
            lane=Lane.REPLY,
            dedupe_key=f"reply:{made.id}:0",
            cause="event:1",
            caused_at=NOON,
        )
        await put(session, stage.vault, stage.id, [draft])
    await stage.run(
        "UPDATE outbox_messages SET state = 'sent', finished_at = now() WHERE tenant_id = :tenant AND citizen_id = :id",
        id=citizen.id,
    )
    return citizen, made


async def test_a_request_is_acknowledged_at_once_with_the_date_of_the_law(stage) -> None:
    citizen = await stage.citizen()
    told = await do(stage, ask, citizen.id, "export", words="Cho tôi xin bản sao", at=NOON)
    assert told.is_new
    assert told.due_at == datetime(2026, 11, 30, 17, 0, tzinfo=VN)
    assert told.code in told.words
    assert "30/11/2026" in told.words
    again = await do(stage, ask, citizen.id, "export", at=NOON)
    assert (again.code, again.is_new) == (told.code, False)
    assert (await do(stage, ask, citizen.id, "erase", at=NOON)).due_at == datetime(2026, 12, 10, 17, 0, tzinfo=VN)
    async with stage.db.tenant(stage.id) as session:
        assert [one.kind for one in await own(session, stage.id, citizen.id)] == ["erase", "export"]
    with pytest.raises(PrivacyRequestUnfit):
        await do(stage, ask, citizen.id, "everything")


async def test_withdrawing_consent_takes_effect_at_once(stage) -> None:
    change = await stage.dossier()
    citizen = await stage.follower(change)
    told = await do(stage, ask, citizen.id, "withdraw")
    assert told.done
    async with stage.db.tenant(stage.id) as session:
        states = await consent.of(session, stage.id, citizen.id)
    assert not any(one.granted for one in states.values())
    assert (
        await stage.rows(
            "SELECT 1 FROM dossier_followers WHERE tenant_id = :tenant AND citizen_id = :id AND ended_at IS NULL",
            id=citizen.id,
        )
        == []
    )


async def test_an_export_holds_everything_in_plain_words(stage) -> None:
    citizen, made = await full_life(stage)
    await do(stage, ask, citizen.id, "know", words="Giữ gì về tôi?")
    told = await do(stage, export, citizen.id)
    by_name = {section.name: section.items for section in told.sections}
    assert [name for name, items in by_name.items() if not items] == []
    raw = msgspec.json.encode(told).decode()
    for words in (TEXT, WROTE, "84912345678", "Chờ lâu quá", "Dạ, hồ sơ của chị Hiền", made.code, "Giữ gì về tôi?"):
        assert words in raw
    other = await stage.citizen()
    assert WROTE not in msgspec.json.encode(await do(stage, export, other.id)).decode()
    short = await do(stage, summary, citizen.id)
    assert "phản ánh, kiến nghị: 1" in short
    assert len(short) < 1500


async def test_an_erasure_leaves_no_trace_of_the_person(registry, stage) -> None:
    citizen, made = await full_life(stage)
    request = await do(stage, ask, citizen.id, "erase")
    async with stage.db.tenant(stage.id) as session:
        await erase.begin(session, stage.id, request.id, actor="key:test")
    assert not await erase.run(registry, stage.id, request.id)
    (row,) = await stage.rows("SELECT * FROM privacy_requests WHERE tenant_id = :tenant AND id = :id", id=request.id)
    assert (row.state, row.waits, row.steps) == ("erasing", [f"petition {made.code}"], [])
    await do(stage, petitions.close, made.code, Close(reason="Đã xong"), actor="key:test")
    # A process died in the middle: what is done stays done, a message under way is waited for.
    await stage.run(
        "UPDATE outbox_messages SET state = 'sending' WHERE tenant_id = :tenant AND citizen_id = :id AND cause = 'event:1'",
        id=citizen.id,
    )
    assert not await erase.run(registry, stage.id, request.id)
    (row,) = await stage.rows("SELECT * FROM privacy_requests WHERE tenant_id = :tenant AND id = :id", id=request.id)
    assert (row.steps[0], row.waits) == ("petitions", ["1 message(s) under way"])
    await stage.run(
        "UPDATE outbox_messages SET state = 'sent' WHERE tenant_id = :tenant AND citizen_id = :id AND state = 'sending'",
        id=citizen.id,
    )
    assert await erase.resume(registry, stage.id) == 1
    assert await erase.run(registry, stage.id, request.id)

    goodbye = await stage.rows(
        "SELECT * FROM outbox_messages WHERE tenant_id = :tenant AND cause = :cause", cause=f"privacy:{request.id}"
    )
    assert request.code in stage.opened(goodbye[0]).plain_text
    await stage.run(
        "DELETE FROM outbox_messages WHERE tenant_id = :tenant AND cause = :cause", cause=f"privacy:{request.id}"
    )
    await nowhere(stage, citizen)
    with pytest.raises(CitizenGone):
        await do(stage, export, citizen.id)
    (rating,) = await stage.rows(
        "SELECT level, citizen_id, comment_sealed FROM ratings WHERE tenant_id = :tenant AND citizen_id IS NULL"
    )
    assert (rating.level, rating.citizen_id, rating.comment_sealed) == (1, None, None)
    async with stage.db.tenant(stage.id) as session:
        new = await know.know(session, stage.id, citizen.zalo_user_id, by_app=None, interacted_at=NOON)
    assert new.id != citizen.id


async def nowhere(stage: Stage, citizen: know.Citizen) -> None:
    """No row of any table holds the person's id of Zalo's, and nothing sealed about them is left where it was."""
    for name, table in BY_NAME.items():
        rows = await stage.rows(f"SELECT t::text AS line FROM {name} t WHERE tenant_id = :tenant")
        assert [row for row in rows if citizen.zalo_user_id in row.line] == [], table.name
    for sql in (
        "SELECT 1 FROM outbox_messages WHERE tenant_id = :tenant AND citizen_id = :id AND body_sealed <> ''",
        "SELECT 1 FROM notices WHERE tenant_id = :tenant AND citizen_id = :id AND facts_sealed <> ''",
        "SELECT 1 FROM citizen_phones WHERE tenant_id = :tenant AND citizen_id = :id",
        "SELECT 1 FROM dossier_proofs WHERE tenant_id = :tenant AND citizen_id = :id",
        "SELECT 1 FROM conversations WHERE tenant_id = :tenant AND citizen_id = :id",
        "SELECT 1 FROM petitions WHERE tenant_id = :tenant AND citizen_id = :id",
        "SELECT 1 FROM petition_events WHERE tenant_id = :tenant AND told_sealed IS NOT NULL",
    ):
        given = {"id": citizen.id} if ":id" in sql else {}
        if "petition_events" not in sql:
            assert await stage.rows(sql, **given) == [], sql


async def test_the_office_ends_extends_and_refuses_once(stage) -> None:
    citizen = await stage.citizen()
    told = await do(stage, ask, citizen.id, "correct", words="Sửa số điện thoại", at=NOON)
    row = await do(stage, extend, told.id, words="Cần xác minh", actor="key:test")
    assert row.due_at == datetime(2026, 12, 10, 17, 0, tzinfo=VN)
    with pytest.raises(PrivacyMoveRefused, match="once"):
        await do(stage, extend, told.id, words="Thêm nữa", actor="key:test")
    assert (await do(stage, finish, told.id, state="done", words="Đã sửa", actor="key:test")).done_at is not None
    with pytest.raises(PrivacyMoveRefused):
        await do(stage, finish, told.id, state="refused", words="Không", actor="key:test")
    async with stage.db.tenant(stage.id) as session:
        with pytest.raises(PrivacyMoveRefused, match="only an acknowledged"):
            await erase.begin(session, stage.id, told.id, actor="key:test")


async def test_words_that_may_not_be_kept_go_with_the_answer(stage) -> None:
    citizen = await stage.citizen()
    row = await event(stage, citizen, state="pending")
    async with stage.db.tenant(stage.id) as session:
        assert await forget_words(session, stage.id, [row["id"]]) == 1
        assert await forget_words(session, stage.id, []) == 0
    (kept,) = await stage.rows(
        "SELECT body_sealed, dedupe_key FROM inbox_events WHERE tenant_id = :tenant AND id = :id", id=row["id"]
    )
    assert (bytes(kept.body_sealed), kept.dedupe_key) == (b"", row["dedupe_key"])


@pytest.fixture(scope="module")
async def api(own):
    async with open_house(own, worker=False) as house:
        yield house


async def test_an_office_works_requests_off_over_http(api: House, registry) -> None:
    stage = await Stage.open(registry, "ca-mau")
    citizen = await stage.citizen(now=clock.now(), spoke=timedelta(days=3))
    await event(stage, citizen)
    copy = await do(stage, ask, citizen.id, "export", words="Cho xin bản sao")
    gone = await do(stage, ask, citizen.id, "erase")
    key = await api.key("ca-mau", "privacy:write")

    async def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url, headers = f"{api.url}/v1/privacy-requests{path}", {"Authorization": f"Bearer {key}"}
        async with api.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    first = (await call("GET", "?limit=1"))[1]
    assert [(one["kind"], one["note"], one["overdue"]) for one in first["items"]] == [
        ("export", "Cho xin bản sao", False)
    ]
    assert [one["kind"] for one in (await call("GET", f"?cursor={first['next_cursor']}"))[1]["items"]] == ["erase"]
    status, document = await call("GET", f"/{copy.id}/export")
    assert status == 200
    assert WROTE in str(document)
    assert (await call("POST", f"/{copy.id}/extend", {"reason": "Đang xác minh"}))[1]["extended_at"]
    assert (await call("POST", f"/{gone.id}/done", {}))[1]["code"] == "privacy_move_refused"
    assert (await call("POST", f"/{copy.id}/done", {"note": "Đã giao"}))[1]["state"] == "done"
    status, erased = await call("POST", f"/{gone.id}/erase")
    assert (status, erased["state"], erased["citizen"], erased["waits"]) == (200, "done", None, [])
    assert (await call("GET", f"/{copy.id}/export"))[1]["code"] == "citizen_erased"
    assert (await call("POST", f"/{copy.id}/refuse", {"reason": "Không"}))[0] == 409
    assert (await call("GET", f"/{citizen.id}"))[1]["code"] == "privacy_request_not_found"
    audit = await stage.rows(
        "SELECT act FROM audit_entries WHERE tenant_id = :tenant AND act LIKE 'privacy%' ORDER BY number"
    )
    assert [row.act for row in audit] == [
        "privacy.exported", "privacy.extended", "privacy.done", "privacy.erasing", "privacy.erased",
    ]  # fmt: skip
