"""The catalogue in the database: shared national rows, provinces over them, versions by day; written by whom it may be."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from tests.db.clones import clone

from govchat.audit.models import AuditEntryRow
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.ids import tenant_id_for
from govchat.procedures import queries
from govchat.procedures.book import Book, today
from govchat.procedures.catalogue import Fee, Limit, starter
from govchat.procedures.load_file import ImportRefused, Options, import_national, import_province
from govchat.procedures.models import NationalImportRow, ProcedureOverrideRow
from govchat.procedures.override import OverrideRefused, lay_over
from govchat.procedures.patch import NOTHING, Patch
from govchat.tenants.registry import Registry

HUE, LANG_SON, DONG_NAI = map(tenant_id_for, ("hue", "lang-son", "dong-nai"))
HEAD = (
    "Mã thủ tục;Tên thủ tục;Cơ quan ban hành;Lĩnh vực;Cơ quan thực hiện;Thời hạn giải quyết;Phí, lệ phí;Hiệu lực từ\n"
)
ACTOR = "cli:test"


class World:
    def __init__(self, settings, urls) -> None:
        self.db = Database.connect(urls.app_url, part="test", pool_size=4)
        self.owner = Database.connect(urls.owner_url, part="test", pool_size=2)
        self.registry = Registry(self.db, settings)
        self.book = Book(self.db, self.registry)

    async def national(self, *rows, **options):
        report = await import_national(
            self.owner, (HEAD + "\n".join(rows)).encode(), "national.csv", Options(**options), actor=ACTOR
        )
        await self.book.load()
        return report

    async def province(self, tenant_id, *rows, **options):
        return await import_province(
            self.book, tenant_id, (HEAD + "\n".join(rows)).encode(), "own.csv", Options(**options), actor=ACTOR
        )

    async def say(self, tenant_id, code, valid_from=None, **said):
        return await lay_over(self.book, tenant_id, code, Patch(**said), valid_from, actor="key:gvc_live_x")


@pytest.fixture(scope="module")
async def world(services, settings) -> AsyncIterator[World]:
    opened = World(settings, await clone(services, settings))
    await opened.registry.load()
    await opened.book.load()
    yield opened
    await opened.db.close()
    await opened.owner.close()


def codes(found):
    return [each.code for each in found]


def fee(amount):
    return Fee(text=f"{amount} đ", amount=amount, certainty="confirmed")


def days(value):
    return Limit(value=value, unit="working_day", certainty="confirmed")


async def test_a_dry_run_tells_everything_and_writes_nothing(world):
    await world.national("6.000001;Một;Bộ Y tế;Dược;Sở Y tế;5 ngày làm việc;Không;")
    rows = (
        "6.000001;Một;Bộ Y tế;Dược;Sở Y tế;7 ngày làm việc;Không;",
        "6.000002;Hai;Bộ Y tế;Dược;;8 ngày;;",
        "hai;Sai;;;;;;",
    )
    report = await world.national(*rows, dry_run=True, strict=True)
    assert (codes(report.added), codes(report.changed), codes(report.removed)) == (["6.000002"], ["6.000001"], [])
    (change,) = report.changed[0].fields
    assert (change.field, change.before.value, change.after.value) == ("limit", 5, 7)
    assert [(bad.line, bad.column) for bad in report.bad] == [(4, "A")]
    assert ("6.000002", 3, "maybe_hours") in [(each.code, each.line, each.kind) for each in report.flags]
    assert (report.applied, report.dry_run) == (False, True)
    assert world.book.get(HUE, "6.000002") is None
    assert world.book.get(HUE, "6.000001").limit.value == 5


async def test_good_rows_are_taken_beside_bad_ones_but_not_when_strict(world):
    rows = ("6.000011;Tốt;Bộ Y tế;Dược;;;;", "xyz;Hỏng;;;;;;", "6.000012;Ngày sai;Bộ Y tế;Dược;;;;31/02/2026")
    for options in ({"strict": True}, {"complete": True}):
        with pytest.raises(ImportRefused) as refused:
            await world.national(*rows, **options)
        assert [bad["line"] for bad in refused.value.extra["bad"]] == [3, 4]
    assert world.book.get(HUE, "6.000011") is None
    report = await world.national(*rows)
    assert (codes(report.added), len(report.bad)) == (["6.000011"], 2)
    assert world.book.get(HUE, "6.000011").name == "Tốt"


async def test_importing_again_changes_nothing(world):
    row = "6.000021;Lặp;Bộ Y tế;Dược;Sở Y tế;5 ngày;50.000 đồng;"
    await world.national(row)
    async with world.db.registry() as session:
        before = await session.scalar(select(func.count()).select_from(NationalImportRow))
    report = await world.national(row)
    assert (report.counts["unchanged"], report.counts["changed"], report.counts["added"]) == (1, 0, 0)
    async with world.db.registry() as session:
        assert await session.scalar(select(func.count()).select_from(NationalImportRow)) == before
    await world.province(HUE, row.replace("50.000 đồng", "70.000 đồng"))
    again = await world.province(HUE, row.replace("50.000 đồng", "70.000 đồng"))
    assert again.counts["unchanged"] == 1


async def test_an_import_keeps_what_ships_where_the_file_is_silent_or_vaguer(world):
    shipped = starter().get("1.013083")
    report = await world.national(
        f"1.013083;{shipped.official_name or shipped.name};Bộ Công an;{shipped.field};;8 ngày;;"
    )
    now = world.book.get(HUE, "1.013083")
    assert (now.limit, now.name, now.documents) == (shipped.limit, shipped.name, shipped.documents)
    assert {each.kind for each in report.flags} == {"maybe_hours"}
    assert "maybe_hours" in {each.kind for each in queries.every_flag(world.book.of(HUE)) if each.code == "1.013083"}


async def test_a_name_that_is_quite_another_is_doubted(world):
    report = await world.national("1.000656;Cấp phép khai thác khoáng sản;Bộ Tư pháp;Hộ tịch;;;;", dry_run=True)
    assert [each.kind for each in report.flags] == ["name_differs"]


async def test_a_dossier_follows_the_rule_in_force_when_it_was_received(world):
    await world.national("6.000031;Luật mới;Bộ Tư pháp;Hộ tịch;;10 ngày làm việc;;")
    await world.national("6.000031;Luật mới;Bộ Tư pháp;Hộ tịch;;5 ngày làm việc;;01/03/2027")
    await world.say(HUE, "6.000031", date(2027, 6, 1), limit=days(3))

    def limit(day):
        return world.book.get(HUE, "6.000031.H57", day).limit.value

    assert [limit(date(2026, 1, 1)), limit(date(2027, 2, 28)), limit(date(2027, 3, 1)), limit(date(2027, 6, 1))] == [
        10,
        10,
        5,
        3,
    ]
    assert world.book.get(LANG_SON, "6.000031", date(2027, 6, 1)).limit.value == 5
    with clock.shifted(timedelta(days=365)):
        assert world.book.get(HUE, "6.000031").limit.value == 3


async def test_a_change_without_a_day_holds_from_today_and_what_is_new_since_ever(world):
    await world.national("6.000041;Mới;Bộ Tư pháp;Hộ tịch;;10 ngày làm việc;;")
    assert world.book.get(HUE, "6.000041", date(2020, 1, 1)).limit.value == 10
    await world.say(HUE, "6.000041", limit=days(4))
    yesterday = today() - timedelta(days=1)
    assert [world.book.get(HUE, "6.000041", day).limit.value for day in (yesterday, today())] == [10, 4]


async def test_a_correction_of_the_same_day_wins_and_both_versions_stay(world):
    await world.say(HUE, "1.000656", fee=fee(1000))
    await world.say(HUE, "1.000656", fee=fee(2000))
    assert (await world.say(HUE, "1.000656", fee=fee(2000))).outcome == "unchanged"
    assert world.book.get(HUE, "1.000656").fee.amount == 2000
    async with world.db.tenant(HUE) as session:
        told = await queries.versions(session, HUE, world.book.of(HUE), "1.000656")
    assert [(each.layer, each.version, each.says["fee"]["amount"]) for each in told] == [
        ("province", 2, 2000),
        ("province", 1, 1000),
    ]


async def test_a_provinces_figures_are_its_own_and_follow_the_national_ones_elsewhere(world):
    await world.national("6.000051;Chung;Bộ Tư pháp;Hộ tịch;Sở Tư pháp;10 ngày làm việc;50.000;")
    await world.province(LANG_SON, "6.000051;Chung;;;;;80.000;")
    await world.national("6.000051;Chung;Bộ Tư pháp;Hộ tịch;Sở Tư pháp;6 ngày làm việc;50.000;")
    own, other = (world.book.get(each, "6.000051") for each in (LANG_SON, HUE))
    assert (own.fee.amount, own.limit.value, other.fee.amount) == (80000, 6, 50000)
    await world.say(LANG_SON, "6.000051")
    assert world.book.get(LANG_SON, "6.000051") is world.book.get(HUE, "6.000051"), "no copy where nothing differs"


async def test_another_provinces_own_procedure_is_found_by_code_and_offered_at_home_alone(world):
    await world.national("6.000061;Tách thửa ở Lạng Sơn;UBND tỉnh Lạng Sơn;Đất đai;;;;")
    offered = {each: {found.procedure.code for found in world.book.of(each).editions()} for each in (LANG_SON, HUE)}
    assert "6.000061" in offered[LANG_SON]
    assert "6.000061" not in offered[HUE]
    assert world.book.get(HUE, "6.000061") is not None
    await world.national("6.000062;Của tỉnh cũ;UBND tỉnh Bình Phước;Đất đai;;;;")
    assert "6.000062" in {each.code for each in world.book.of(DONG_NAI)}


async def test_hidden_and_replaced_procedures_are_not_offered_but_found(world):
    await world.say(DONG_NAI, "6.900001", name="Thủ tục riêng của tỉnh")
    await world.say(DONG_NAI, "1.001193", hidden=True)
    await world.say(DONG_NAI, "1.000894", replaced_by="6.900001")
    offered = {each.code for each in world.book.of(DONG_NAI)}
    assert "6.900001" in offered
    assert not offered & {"1.001193", "1.000894"}
    assert world.book.get(DONG_NAI, "1.000894").replaced_by == "6.900001"
    assert world.book.get(HUE, "6.900001") is None
    for wrong in ({"replaced_by": "9.999999"}, {"replaced_by": "khai sinh"}, {"replaced_by": "1.000894"}):
        with pytest.raises(OverrideRefused):
            await world.say(DONG_NAI, "6.900001", name="Vòng", **wrong)
    with pytest.raises(OverrideRefused, match="name"):
        await world.say(DONG_NAI, "6.900002", fee=fee(1))


async def test_only_a_complete_list_ends_what_it_lacks_and_dossiers_still_find_it(world):
    own = "8.{};Riêng {};UBND;Khác;;;10.000;"
    await world.province(HUE, own.format("000001", 1), own.format("000002", 2), "1.004884;;;;;;90.000;")
    report = await world.province(HUE, own.format("000001", 1))
    assert {"8.000002", "1.004884"} <= set(codes(report.removed))
    assert (report.removes, world.book.get(HUE, "8.000002").withdrawn) == (False, False)
    report = await world.province(HUE, own.format("000001", 1), complete=True)
    assert report.removes
    assert world.book.get(HUE, "8.000002").withdrawn
    assert world.book.get(HUE, "8.000002").name == "Riêng 2"
    assert world.book.get(HUE, "1.004884") == world.book.get(LANG_SON, "1.004884")
    assert "8.000002" not in {each.code for each in world.book.of(HUE)}
    await world.province(HUE, own.format("000002", 2))
    assert not world.book.get(HUE, "8.000002").withdrawn


async def test_what_another_process_writes_is_seen(world):
    other = Book(world.db, world.registry)
    await other.load()
    before = other.stamp(LANG_SON), other.stamp(HUE)
    await world.say(LANG_SON, "1.004746", fee=fee(12345))
    assert other.get(LANG_SON, "1.004746").fee.amount != 12345
    await other.load()
    assert other.get(LANG_SON, "1.004746").fee.amount == 12345
    assert other.stamp(LANG_SON) != before[0]
    assert other.stamp(HUE) == before[1]


async def test_versions_written_at_once_are_numbered_one_after_another(world):
    import asyncio

    made = await asyncio.gather(*(world.say(LANG_SON, "1.004837", fee=fee(amount)) for amount in range(1, 6)))
    assert sorted(each.version for each in made) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO national_imports (actor, file_name, file_hash, summary) VALUES ('x', 'x', '', '{}')",
        "UPDATE national_procedures SET patch = '{}'",
        "DELETE FROM national_procedures",
        "UPDATE procedure_overrides SET patch = '{}'",
        "DELETE FROM procedure_overrides",
        "DELETE FROM catalogue_marks",
    ],
)
async def test_the_application_role_writes_no_national_row_and_no_history(world, statement):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.db.tenant(HUE) as session:
            await session.execute(text(statement))


async def test_who_changed_what_is_on_record(world):
    await world.say(LANG_SON, "1.001766", fee=fee(7777))
    await world.province(LANG_SON, "1.001766;;;;;;8.888;")
    async with world.db.tenant(LANG_SON) as session:
        entries = (
            await session.execute(
                select(AuditEntryRow.actor, AuditEntryRow.act, AuditEntryRow.subject).where(
                    AuditEntryRow.tenant_id == LANG_SON
                )
            )
        ).all()
        origins = await session.scalars(
            select(ProcedureOverrideRow.origin)
            .where(ProcedureOverrideRow.tenant_id == LANG_SON, ProcedureOverrideRow.code == "1.001766")
            .order_by(ProcedureOverrideRow.version)
        )
        assert list(origins) == ["api", "import"]
    assert ("key:gvc_live_x", "procedure.overridden", "1.001766") in entries
    assert (ACTOR, "procedures.import", "catalogue") in entries


def test_an_empty_patch_says_nothing():
    assert NOTHING.stored() == {}
