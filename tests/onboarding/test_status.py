"""`govchat tenant status`: each line goes by what is there, names the next action, and what is red keeps a province from going live."""

import click
import msgspec
import pytest
import structlog
from sqlalchemy import delete, func, select
from tests.conftest import plain
from tests.journeys.stage import eventually
from tests.onboarding.conftest import put

from govchat.audit import queries as trail
from govchat.citizens.models import CitizenRow
from govchat.cli.status import page
from govchat.incidents.models import Kind
from govchat.incidents.record import heal, open_
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.onboarding import console, province
from govchat.onboarding.checklist import LINES, ground_of, read
from govchat.onboarding.console import CONFIRMABLE
from govchat.onboarding.line import Account, Colour, Events
from govchat.outbox.models import OutboxAttemptRow, OutboxMessageRow
from govchat.procedures.book import Book
from govchat.tenants.models import TenantRecord, ZaloAppRow


async def status(cli, slug, *words):
    said = await cli("tenant", "status", slug, "--json", *words)
    assert said.status == 0, said.everything
    return {line["key"]: line for line in said.json["lines"]}, said.json


def book(home):
    return Book(home.registry.db, home.registry)


async def recorded(home, slug):
    """An answer went out, and its row says so."""
    tenant = home.registry.by_slug(slug)

    async def is_sent():
        async with home.registry.db.tenant(tenant.id) as session:
            return await session.scalar(select(func.count()).where(OutboxMessageRow.state == "sent"))

    await eventually(is_sent)


def in_development(home):
    """What nobody has confirmed is amber there: red is what Zalo and the house say themselves."""
    return plain(home.settings, env="development")


async def colours(home, slug):
    tenant = home.registry.by_slug(slug)
    async with home.registry.db.tenant(tenant.id) as session:
        told = await read(session, in_development(home), tenant, book(home).of(tenant.id))
    return {line.key: line.colour for line in told.lines}


async def test_a_province_that_has_nothing_is_told_every_next_action(home, cli):
    lines, told = await status(cli, "ca-mau")
    assert len(lines) == len(LINES)
    assert told["state"] == "live"
    assert set(told["red"]) == {"domain", "callback", "permissions", "events", "one_stop", "data_record"}
    assert told["green"] + told["amber"] + len(told["red"]) == len(lines)
    for key in told["red"]:
        assert lines[key]["todo"], key
    assert "/webhooks/zalo/ca-mau" in lines["events"]["todo"]
    assert "Toàn diện" in lines["package"]["says"]
    assert lines["link"]["colour"] == "green"
    for key in set(told["red"]) & set(CONFIRMABLE):
        assert f"govchat tenant confirm ca-mau {key}" in lines[key]["todo"]


async def test_the_page_fits_a_terminal_of_a_hundred_columns_in_vietnamese(home, cli):
    said = await cli("tenant", "status", "ca-mau", "--offline")
    assert max(map(len, said.out.splitlines())) <= 100
    assert said.out.startswith("Tỉnh Cà Mau (ca-mau)\nTrạng thái: live")
    assert "[ĐỎ]     Webhook đã nhận sự kiện (events): Chưa nhận sự kiện nào.\n         → Vào " in said.out
    tenant = home.registry.by_slug("ca-mau")
    async with home.registry.db.tenant(tenant.id) as session:
        told = await read(session, in_development(home), tenant, book(home).of(tenant.id))
    development = click.unstyle("\n".join(page(told)))
    assert "Môi trường phát triển" in development
    assert "[VÀNG]   Hồ sơ xử lý dữ liệu cá nhân" in development


async def test_offline_asks_zalo_nothing_and_says_what_it_does_not_know(home, cli):
    lines, _ = await status(cli, "lai-chau", "--offline")
    assert {lines[key]["colour"] for key in ("app", "api", "link", "zbs", "package")} == {"red"}
    assert lines["consent"]["colour"] == "amber"
    lines, _ = await status(cli, "lai-chau")
    assert {lines[key]["colour"] for key in ("app", "api", "link", "zbs", "package", "consent")} == {"green"}
    # Silence replaces nothing that Zalo said before.
    lines, _ = await status(cli, "lai-chau")
    said = await cli("tenant", "status", "lai-chau", "--json", GOVCHAT_ZALO_OPENAPI_URL="http://127.0.0.1:9")
    assert said.json["lines"] == list(lines.values())


async def test_what_rooms_log_does_not_stand_in_what_is_printed(home, cli):
    with structlog.testing.capture_logs() as logged:
        said = await cli("tenant", "status", "son-la", "--json")  # takes the first token
    assert said.json["slug"] == "son-la"
    assert not [line for line in logged if line.get("tenant") == "son-la"]


async def test_events_turn_webhook_domain_and_signature_green_and_answers_the_permissions(home, cli):
    slug = "lang-son"
    oa_id = home.registry.by_slug(slug).oa_id
    await home.put_dossier(slug, "H37.1-261103-0001")
    await home.zalo.follow(oa_id, "u1")
    await recorded(home, slug)
    lines, _ = await status(cli, slug)
    for key in ("events", "domain", "signature", "permissions", "one_stop"):
        assert lines[key]["colour"] == "green", lines[key]
    assert "sự kiện gần đây đúng chữ ký (body/app/mac)" in lines["signature"]["says"]
    assert lines["one_stop"]["says"].startswith("1 hồ sơ, gần nhất lúc ")


async def test_the_signature_line_says_when_it_is_safe_to_enforce(home, cli):
    slug = "vinh-long"
    tenant = home.registry.by_slug(slug)

    async with home.registry.db.registry() as session:
        app = await session.get_one(ZaloAppRow, tenant.app.app_id)
        app.signature, app.updated_at = "observe", clock.now()
    await home.zalo.follow(tenant.oa_id, "u1")
    await home.zalo.answers(tenant.oa_id, "u1")
    lines, _ = await status(cli, slug, "--offline")
    assert (lines["signature"]["colour"], "chưa đủ 20" in lines["signature"]["says"]) == ("amber", True)
    for number in range(19):
        await home.zalo.say(tenant.oa_id, "u1", f"xin chào {number}")
    lines, _ = await status(cli, slug, "--offline")
    assert "An toàn để chuyển sang enforce" in lines["signature"]["says"], lines["signature"]


async def test_unsigned_events_while_observing_are_red(home):
    tenant = home.registry.by_slug("hue")
    ground = await _ground(home, "hue")

    app = msgspec.structs.replace(tenant.app, enforce=False)
    observing = msgspec.structs.replace(
        ground,
        tenant=msgspec.structs.replace(tenant, app=app),
        events=Events(last_at=clock.now(), signed=30, unsigned=2),
    )
    line = await province.signature(None, observing)
    assert line.colour is Colour.RED
    assert "2 trên 32 sự kiện" in line.says
    no_secret = msgspec.structs.replace(app, oa_secret=None)
    line = await province.signature(
        None, msgspec.structs.replace(observing, tenant=msgspec.structs.replace(tenant, app=no_secret))
    )
    assert line.colour is Colour.RED
    assert "oa-secret" in line.todo


async def _ground(home, slug):
    tenant = home.registry.by_slug(slug)
    async with home.registry.db.tenant(tenant.id) as session:
        return await ground_of(session, in_development(home), tenant, book(home).of(tenant.id))


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (-224, "package"),
        (-221, "package"),
        (-223, "permissions"),
        (-212, "api"),
        (-320, "zbs"),
        (-136, "zbs"),
        (-131, "templates"),
        (-209, "app"),
    ],
)
async def test_what_zalo_refuses_is_red_until_it_passes_again(home, code, line):
    tenant = home.registry.by_slug("an-giang")
    citizen, message = new_id(), new_id()
    async with home.registry.db.tenant(tenant.id) as session:
        session.add(CitizenRow(tenant_id=tenant.id, id=citizen, zalo_user_id=str(citizen)))
        await session.flush()
        session.add(
            OutboxMessageRow(
                tenant_id=tenant.id, id=message, lane=0, dedupe_key=str(message), cause="event:x", citizen_id=citizen,
                body_sealed=b"", echo_hash=b"", state="failed",
            )
        )  # fmt: skip
        await session.flush()
        attempt = {"tenant_id": tenant.id, "message_id": message, "finished_at": clock.now()}
        session.add(
            OutboxAttemptRow(
                **attempt, number=1, started_at=clock.now(), outcome="refused", zalo_code=code, kind="human"
            )
        )
    try:
        assert (await colours(home, "an-giang"))[line] is Colour.RED
        async with home.registry.db.tenant(tenant.id) as session:
            session.add(OutboxAttemptRow(**attempt, number=2, started_at=clock.now(), outcome="sent"))
        assert (await colours(home, "an-giang"))[line] is not Colour.RED
    finally:
        async with home.registry.db.tenant(tenant.id) as session:
            await session.execute(delete(OutboxAttemptRow))


@pytest.mark.parametrize(
    ("changes", "colour"),
    [
        ({}, "green"),
        ({"package_name": "Tăng trưởng"}, "amber"),
        ({"package_valid_through": "01/01/2020"}, "red"),
        ({"package_valid_through": "2020-01-01"}, "red"),
        ({"package_valid_through": "soon"}, "green"),
        ({"is_verified": False}, "red"),
        ({"package_name": None}, "amber"),
        ({"code": -224, "problem": "package_too_low"}, "red"),
    ],
)
async def test_entitlement_and_package_go_by_what_getoa_says(home, changes, colour):

    tenant = home.registry.by_slug("hue")
    account = Account(asked_at=clock.now(), oa_id=tenant.oa_id, oa_type=4, is_verified=True, package_name="Toàn diện")
    ground = msgspec.structs.replace(await _ground(home, "hue"), account=msgspec.structs.replace(account, **changes))
    assert (await console.package(None, ground)).colour == colour


async def test_a_token_of_another_account_is_red(home):

    other = Account(asked_at=clock.now(), oa_id="1", name="OA khác")
    ground = msgspec.structs.replace(await _ground(home, "hue"), account=other)
    line = await console.link(None, ground)
    assert line.colour is Colour.RED
    assert home.registry.by_slug("hue").oa_id in line.says


async def test_what_people_confirm_is_green_noted_and_can_be_taken_back(home, cli):
    said = await cli("tenant", "confirm", "hue", "data_record", "--by", "Bà Lê Thị A", "--note", "Số 12/HS-STTTT")
    assert said.out == "hue: đã ghi nhận data_record\n"
    lines, _ = await status(cli, "hue", "--offline")
    assert lines["data_record"]["colour"] == "green"
    assert "Bà Lê Thị A" in lines["data_record"]["says"]
    assert "Số 12/HS-STTTT" in lines["data_record"]["says"]
    assert (await cli("tenant", "confirm", "hue", "data_record", "--withdraw")).status == 0
    lines, _ = await status(cli, "hue", "--offline")
    assert lines["data_record"]["colour"] == "red"
    hue = home.registry.by_slug("hue").id
    async with home.registry.db.tenant(hue) as session:
        given, taken = await trail.last(session, hue, 2)
    assert (given.act, given.after["by"]) == ("checklist.confirmed", "Bà Lê Thị A")
    assert (taken.act, taken.before["note"]) == ("checklist.withdrawn", "Số 12/HS-STTTT")
    assert given.actor.startswith("cli:")
    again = await cli("tenant", "confirm", "hue", "data_record", "--withdraw")
    assert "chưa ai ghi nhận" in again.refusal
    for line in ("events", "nonsense"):
        refused = await cli("tenant", "confirm", "hue", line)
        assert (refused.status, "chỉ ghi nhận được app, api, domain" in refused.refusal) == (1, True)
    assert "--by" in (await cli("tenant", "confirm", "hue", "domain", "--by", " ")).refusal


async def test_an_incident_stands_on_the_checklist_until_it_heals(home):
    tenant = home.registry.by_slug("dien-bien")
    for kind, colour in ((Kind.QUOTA, Colour.AMBER), (Kind.CREDENTIAL, Colour.RED)):
        async with home.registry.db.tenant(tenant.id) as session:
            await open_(session, tenant.id, kind, "oa", says="Hỏng.", todo="Sửa.")
        assert (await colours(home, "dien-bien"))["incidents"] is colour
    async with home.registry.db.tenant(tenant.id) as session:
        for kind in (Kind.QUOTA, Kind.CREDENTIAL):
            await heal(session, tenant.id, kind, "oa")
    assert (await colours(home, "dien-bien"))["incidents"] is Colour.GREEN


async def test_a_dossier_of_an_unknown_procedure_makes_the_catalogue_red(home):
    await home.put_dossier("cao-bang", "H14.1-261103-0001", procedure_code="9.999999")
    tenant = home.registry.by_slug("cao-bang")
    async with home.registry.db.tenant(tenant.id) as session:
        told = {
            line.key: line
            for line in (await read(session, in_development(home), tenant, book(home).of(tenant.id))).lines
        }
    assert told["catalogue"].colour is Colour.RED
    assert "9.999999" in told["catalogue"].says


async def test_the_way_from_draft_to_live(home, cli):
    """Refused while red, testers listed and served, everything confirmed, live; every step stands in the trail."""
    slug = "ha-tinh"
    tenant = home.registry.by_slug(slug)
    await put(home, slug, "draft")
    refused = await cli("tenant", "move", slug, "live")
    assert "từ draft chỉ chuyển được sang trial, closed" in refused.refusal
    lines, _ = await status(cli, slug)
    assert lines["testers"]["colour"] == "red"
    assert (await cli("tenant", "move", slug, "trial")).out.startswith("ha-tinh: draft → trial (chạy thử")
    refused = await cli("tenant", "move", slug, "live")
    assert refused.status == 1
    assert "data_record" in refused.refusal
    assert "--override" in refused.refusal
    # A tester writes at once, is found, listed and answered: nobody is taken for a draft's any more.
    await home.zalo.follow(tenant.oa_id, "u1")
    await recorded(home, slug)
    (found,) = (await cli("tenant", "tester", "recent", slug, "--json")).json
    assert found["is_tester"] is False
    added = await cli("tenant", "tester", "add", slug, found["zalo_user_id"], found["zalo_user_id"])
    assert added.out.startswith("ha-tinh: thêm 1 người thử"), added.everything
    assert [each["zalo_user_id"] for each in (await cli("tenant", "tester", "list", slug, "--json")).json] == [
        found["zalo_user_id"]
    ]
    await home.put_dossier(slug, "H27.1-261103-0001")
    for line in ("callback", "data_record"):
        assert (await cli("tenant", "confirm", slug, line, "--by", "Ông Trần B")).status == 0
    lines, told = await status(cli, slug)
    assert lines["testers"]["colour"] == "green"
    assert told["red"] == []
    assert "govchat tenant move ha-tinh live" in (await cli("tenant", "status", slug, "--offline")).out
    assert (await cli("tenant", "move", slug, "live")).out.startswith("ha-tinh: trial → live")
    async with home.registry.db.tenant(tenant.id) as session:
        acts = [each.act for each in await trail.last(session, tenant.id, 10)]
    assert [act for act in acts if act == "tenant.moved"] == ["tenant.moved"] * 2
    assert "tester.added" in acts
    assert (await cli("audit", "verify", slug)).status == 0


async def test_who_follows_right_after_the_move_is_answered_though_nobody_told_the_worker(home):
    """Redis may be away: what is taken for a draft's is never answered, so the state is read where it stands."""
    slug = "lai-chau"
    for state in ("draft", "live"):
        async with home.registry.db.registry() as session:
            province = await session.get_one(TenantRecord, home.registry.by_slug(slug).id)
            province.state, province.updated_at = state, clock.now()
        if state == "draft":
            await home.worker.registry.load()
    assert home.worker.registry.by_slug(slug).state == "draft"
    oa_id = home.registry.by_slug(slug).oa_id
    await home.zalo.follow(oa_id, "first")
    await home.zalo.answers(oa_id, "first")


async def test_a_province_goes_live_with_red_lines_only_for_a_reason_that_is_noted(home, cli):
    slug = "nghe-an"
    await put(home, slug, "trial")
    assert (await cli("tenant", "move", slug, "live", "--override", " ")).status == 1
    said = await cli("tenant", "move", slug, "live", "--override", "Lãnh đạo tỉnh yêu cầu")
    assert said.out.startswith("nghe-an: trial → live"), said.everything
    tenant = home.registry.by_slug(slug)
    async with home.registry.db.tenant(tenant.id) as session:
        (entry,) = await trail.last(session, tenant.id, 1)
    assert entry.after["override"] == "Lãnh đạo tỉnh yêu cầu"
    assert "data_record" in entry.after["red"]


async def test_a_tester_is_listed_by_an_id_of_zalo_alone(cli):
    refused = await cli("tenant", "tester", "add", "hue", "123", "0912 345 678 x")
    assert (refused.status, "tester recent" in refused.refusal) == (1, True)
    assert (await cli("tenant", "tester", "list", "hue")).out == "hue: chưa có người thử\n"
    assert "tester list" in (await cli("tenant", "tester", "remove", "hue", "5")).refusal
