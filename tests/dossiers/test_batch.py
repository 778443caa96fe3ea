"""Batches, lists, events and national payloads, as one-stop systems use them."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.house import House, open_house

from govchat.procedures.book import Book
from govchat.settings import Settings

SLUG = "lam-dong"
_numbers = itertools.count(1)


def new_code() -> str:
    return f"H36.02-261103-{next(_numbers):04d}"


def item(code: str | None = None, **changes: Any) -> dict[str, Any]:
    whole = {
        "code": code or new_code(),
        "procedure_code": "1.013225",
        "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": "0912345678"},
        "lookup_secret": "K7PX",
        "received_at": "2026-11-03T09:12:00+07:00",
        "status": 4,
        "status_note": "Đang thẩm định",
        "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
        "changed_at": "2026-11-16T08:00:00+07:00",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


class Client:
    """The one-stop system of one province."""

    def __init__(self, house: House, key: str) -> None:
        self.house, self.headers = house, {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        async with self.house.http.request(
            method, f"{self.house.url}/v1/{path}", headers=self.headers, **given
        ) as told:
            return told.status, await told.json(content_type=None)

    async def batch(self, *items: Any) -> list[dict[str, Any]]:
        status, told = await self.call("POST", "dossiers/batch", json={"items": list(items)})
        assert status == 200, told
        results: list[dict[str, Any]] = told["results"]
        return results

    async def get(self, path: str) -> Any:
        status, told = await self.call("GET", path)
        assert status == 200, told
        return told

    async def national(self, service: str, payload: Any) -> dict[str, Any]:
        status, told = await self.call("POST", f"national/{service}", json=payload)
        assert status == 200, told
        answer: dict[str, Any] = told
        return answer


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with open_house(settings, worker=False) as house:
        yield Client(house, await house.key(SLUG))


async def test_each_item_has_its_result_in_order_and_the_good_are_kept(client: Client) -> None:
    good, other = new_code(), new_code()
    told = await client.batch(
        item(good), item(status=11), item("no code"), item(applicant={}), "nonsense", item(other, status=3, status_note=None),
        item(other), item(good),
    )  # fmt: skip
    assert [each["outcome"] for each in told] == [
        "created", "refused", "refused", "refused", "refused", "refused", "created", "unchanged",
    ]  # fmt: skip
    assert told[0] == {"code": good, "status": 4, "outcome": "created", "notices": 0}
    fields = [each["problem"]["errors"][0]["field"] for each in told[1:6]]
    assert fields == ["status", "code", "applicant.name", "item", "status_note"]
    assert told[2]["problem"]["code"] == "dossier_code_invalid"
    assert [each["code"] for each in told[4:6]] == [None, other]
    assert (await client.get(f"dossiers/{good}"))["status"] == 4


async def test_a_thousand_are_taken_and_one_more_is_refused(client: Client) -> None:
    items = [item() for _ in range(1000)]
    assert {each["outcome"] for each in await client.batch(*items)} == {"created"}
    status, told = await client.call("POST", "dossiers/batch", json={"items": [*items, item()]})
    assert (status, told["errors"][0]["field"]) == (422, "items")


async def test_one_dossier_several_times_in_a_batch_lives_through_all_of_it(client: Client) -> None:
    code = new_code()
    told = await client.batch(
        item(code, status=2, changed_at="2026-11-16T08:00:00+07:00"),
        item(code, status=4, changed_at="2026-11-16T09:00:00+07:00"),
        item(code, status=5, changed_at="2026-11-16T08:30:00+07:00"),
        item(code.lower(), status=9, changed_at="2026-11-16T10:00:00+07:00"),
    )
    assert [(each["status"], each["outcome"]) for each in told] == [
        (2, "created"), (4, "updated"), (4, "stale"), (9, "updated"),
    ]  # fmt: skip
    events = (await client.get(f"dossiers/{code}/events"))["items"]
    assert [(each["number"], each["old_status"], each["status"]) for each in events] == [
        (1, None, 2),
        (2, 2, 4),
        (3, 4, 9),
    ]
    assert (await client.get(f"dossiers/{code}"))["status"] == 9


async def test_batches_of_the_same_dossiers_at_once_never_block_each_other(client: Client) -> None:
    codes = [new_code() for _ in range(60)]
    await client.batch(*(item(code) for code in codes[:20]))
    chance = random.Random(7)

    async def one(number: int) -> list[dict[str, Any]]:
        mixed = chance.sample(codes, k=len(codes))
        at = f"2026-11-17T08:00:{number:02d}+07:00"
        return await client.batch(*(item(code, status=4 + number % 3, changed_at=at) for code in mixed))

    answers = await asyncio.gather(*(one(number) for number in range(8)))
    outcomes = [each["outcome"] for answer in answers for each in answer]
    assert outcomes.count("created") == 40
    assert set(outcomes) <= {"created", "updated", "stale"}
    for code in codes[::15]:
        events = (await client.get(f"dossiers/{code}/events"))["items"]
        assert [each["number"] for each in events] == list(range(1, len(events) + 1))
        assert (await client.get(f"dossiers/{code}"))["changed_at"].startswith("2026-11-17T01:00:07")


async def test_an_event_says_office_person_time_and_what_was_irregular(client: Client) -> None:
    code = new_code()
    await client.batch(item(code, status=10), item(code, status=4, changed_at="2026-11-17T08:00:00+07:00"))
    event = (await client.get(f"dossiers/{code}/events"))["items"][1]
    assert event["handler"] == {"unit": "Sở Xây dựng", "officer": "Trần Văn An"}
    assert (event["status_note"], event["flags"]) == ("Đang thẩm định", ["unlawful"])
    assert (await client.get(f"dossiers/{code}"))["flags"] == ["unlawful"]
    first = await client.get(f"dossiers/{code}/events?limit=1")
    second = await client.get(f"dossiers/{code}/events?limit=1&cursor={first['next_cursor']}")
    assert [page["items"][0]["number"] for page in (first, second)] == [1, 2]
    assert second["next_cursor"] is None


async def test_pages_hold_every_dossier_once(settings: Settings, client: Client) -> None:
    slug = "quang-tri"
    own = Client(client.house, await client.house.key(slug))
    codes = [f"H50.01-261103-{number:04d}" for number in range(7)]
    await own.batch(*(item(code, procedure_code="1.013225" if n else "9.999999") for n, code in enumerate(codes)))
    seen, cursor = [], ""
    while cursor is not None:
        page = await own.get(f"dossiers?limit=3{cursor and f'&cursor={cursor}'}")
        assert len(page["items"]) <= 3
        seen += [each["code"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(code for code in seen if code in codes) == codes
    assert len(seen) == len(set(seen))
    flagged = (await own.get("dossiers?flagged=true"))["items"]
    assert [(each["code"], each["flags"]) for each in flagged] == [(codes[0], ["unknown_procedure"])]
    for query, field in (("cursor=x", "cursor_invalid"), ("limit=0", "invalid"), ("limit=201", "invalid")):
        status, told = await own.call("GET", f"dossiers?{query}")
        assert (status, told["code"]) == (422, field)


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ("H15.11-241103-0007", "h15.11 241103 7"),  # a province that was absorbed
        ("000.00.19.H36-260105-0001", "000.00.19.h36-260105-1"),  # the order of groups before 2020
        ("H36.103.25.7-250908-0112", "H36 103.25,7_250908_112"),
    ],
)
async def test_a_code_is_kept_as_given_and_found_in_every_shape(client: Client, given: str, typed: str) -> None:
    await client.batch(item(given))
    assert (await client.get(f"dossiers/{typed}"))["code"] == given


def national(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "MaHoSo": code, "MaTTHC": "1.013225", "TenTTHC": "Cấp giấy phép xây dựng", "MaLinhVuc": "G13", "ChuHoSo": "Lê Thị Bé",
        "LoaiDoiTuong": "1", "SoDienThoai": "0912345678", "NgayTiepNhan": "20261103091200", "NgayHenTra": "20261201170000",
        "TrangThaiHoSo": "2", "NgayTra": "", "HinhThuc": "0", "DonViXuLy": "Sở Xây dựng", "GhiChu": "", "TaiLieuNop": [{"x": 1}],
        **changes,
    }  # fmt: skip


def step(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "MaHoSo": code, "NguoiXuLy": "Trần Văn An", "ChucDanh": "Chuyên viên", "ThoiDiemXuLy": "20261120083000",
        "PhongBanXuLy": "Phòng Quản lý xây dựng", "NoiDungXuLy": "Chuyển thẩm định", "TrangThai": "4", **changes,
    }  # fmt: skip


async def test_national_payloads_are_taken_as_they_are(client: Client) -> None:
    code = new_code()
    envelope = {"session": "abc", "madonvi": "000.00.00.H36", "service": "DongBoHoSoMC", "isUpdating": "false"}
    answer = await client.national("DongBoHoSoMC", envelope | {"data": [national(code)]})
    assert (answer["error_code"], answer["result"][0]["outcome"]) == (0, "created")
    answer = await client.national("CapNhatTienDoHoSoMC", {"data": [step(code)]})
    assert (answer["error_code"], answer["result"][0]["outcome"]) == (0, "updated")
    seen = await client.get(f"dossiers/{code}")
    assert seen["handler"] == {"unit": "Phòng Quản lý xây dựng", "officer": "Trần Văn An (Chuyên viên)"}
    assert (seen["status"], seen["status_note"], seen["applicant"]["name"]) == (4, "Chuyển thẩm định", "Lê Thị Bé")
    assert (seen["received_at"], seen["due_at"]) == ("2026-11-03T02:12:00Z", "2026-12-01T10:00:00Z")
    assert seen["changed_at"] == "2026-11-20T01:30:00Z"


async def test_a_payload_without_a_time_makes_no_step_stale_that_has_one(client: Client) -> None:
    code = new_code()
    await client.national("DongBoHoSoMC", national(code))
    await client.national("CapNhatTienDoHoSoMC", step(code))
    answer = await client.national("DongBoHoSoMC", national(code, TrangThaiHoSo="5", GhiChu="Thiếu bản vẽ"))
    assert answer["result"][0]["outcome"] == "updated"
    answer = await client.national("CapNhatTienDoHoSoMC", step(code, ThoiDiemXuLy="20261120090000"))
    assert answer["result"][0]["outcome"] == "updated"
    answer = await client.national("CapNhatTienDoHoSoMC", step(code, ThoiDiemXuLy="20261120085900", TrangThai="9"))
    assert answer["result"][0]["outcome"] == "stale"
    assert [each["status"] for each in (await client.get(f"dossiers/{code}/events"))["items"]] == [2, 4, 5, 4]


async def test_whom_a_step_named_stands_as_long_as_the_office_is_the_same(client: Client) -> None:
    code, office = new_code(), "Sở Xây dựng"
    await client.national("DongBoHoSoMC", national(code))
    await client.national("CapNhatTienDoHoSoMC", step(code, PhongBanXuLy=office))
    await client.national("DongBoHoSoMC", national(code, TrangThaiHoSo="6", GhiChu="Nộp lệ phí"))
    assert (await client.get(f"dossiers/{code}"))["handler"] == {"unit": office, "officer": "Trần Văn An (Chuyên viên)"}
    await client.national("DongBoHoSoMC", national(code, TrangThaiHoSo="4", DonViXuLy="Sở Tài chính"))
    assert (await client.get(f"dossiers/{code}"))["handler"] == {"unit": "Sở Tài chính"}


async def test_the_same_payload_again_changes_nothing(client: Client) -> None:
    code = new_code()
    for payload, outcome in (
        (national(code), "created"),
        ([national(code)], "unchanged"),
        ({"data": national(code)}, "unchanged"),
    ):
        assert (await client.national("DongBoHoSoMC", payload))["result"][0]["outcome"] == outcome


async def test_a_payload_keeps_the_secret_and_what_it_leaves_out(client: Client) -> None:
    code = new_code()
    await client.batch(item(code, due_at="2026-12-01T17:00:00+07:00", changed_at="2026-11-16T08:00:00+07:00"))
    before = await client.get(f"dossiers/{code}")
    await client.national("DongBoHoSoMC", {"MaHoSo": code, "TrangThaiHoSo": 9, "NgayKetThucXuLy": "20261118100000"})
    after = await client.get(f"dossiers/{code}")
    assert (after["status"], after["timeliness"], after["changed_at"]) == (9, "early", "2026-11-18T03:00:00Z")
    for name in ("applicant", "received_at", "due_at", "procedure_code"):
        assert after[name] == before[name]
    tenant = client.house.registry.by_slug(SLUG)
    rows = await _secrets(client, tenant.id, code)
    assert rows[0] is not None


async def _secrets(client: Client, tenant_id: Any, code: str) -> list[bytes | None]:
    from sqlalchemy import select

    from govchat.dossiers.models import DossierRow

    async with client.house.registry.db.tenant(tenant_id) as session:
        return list(await session.scalars(select(DossierRow.secret_hash).where(DossierRow.code_key == code)))


async def test_an_entry_that_does_not_fit_is_named_and_the_others_are_kept(client: Client) -> None:
    good = new_code()
    bad = [
        (national("x"), "MaHoSo"), (national(new_code(), TrangThaiHoSo="12"), "TrangThaiHoSo"),
        (national(new_code(), NgayTiepNhan="3/11/2026"), "NgayTiepNhan"), (national(new_code(), ChuHoSo=""), "ChuHoSo"),
        (national(new_code(), ChuHoSo={"a": 1}), "ChuHoSo"), ({"MaTTHC": "1.013225"}, "MaHoSo"),
    ]  # fmt: skip
    answer = await client.national("DongBoHoSoMC", {"data": [*(entry for entry, _ in bad), national(good)]})
    assert answer["error_code"] == 1
    for told, (_, field) in zip(answer["result"], bad, strict=False):
        assert (told["error_code"], field in told["message"]) == (1, True), told
    assert answer["result"][-1]["outcome"] == "created"
    answer = await client.national("CapNhatTienDoHoSoMC", [step(new_code()), step(good)])
    assert [each["outcome"] for each in answer["result"]] == ["refused", "updated"]
    status, told = await client.call("POST", "national/DongBoHoSoMC", json={"data": []})
    assert (status, told["code"]) == (422, "national_payload_unfit")


async def test_a_foreign_refusal_without_a_reason_is_taken_and_flagged(client: Client) -> None:
    code = new_code()
    answer = await client.national("DongBoHoSoMC", national(code, TrangThaiHoSo="3"))
    assert answer["result"][0]["flags"] == ["reason_missing"]
    assert (await client.get("dossiers?flagged=true&limit=200"))["items"]


async def test_an_overdue_dossier_is_noted_once_for_each_appointment(client: Client) -> None:
    from datetime import datetime

    from govchat.dossiers import watch
    from govchat.kit.clock import VN

    slug = "ca-mau"
    own, tenant = Client(client.house, await client.house.key(slug)), client.house.registry.by_slug(slug)
    vault = await client.house.registry.tenant_vault(tenant.id)
    code, book = "H12.01-261103-0001", Book(client.house.registry.db, client.house.registry)

    async def look(day: int) -> int:
        async with client.house.registry.db.tenant(tenant.id) as session:
            return await watch.note_overdue(session, vault, tenant.id, book, now=datetime(2026, 11, day, 18, tzinfo=VN))

    await own.batch(item(code, due_at="2026-11-18T17:00:00+07:00"))
    async with client.house.registry.db.tenant(tenant.id) as session:
        owed = await watch.apologies_owed(session, tenant.id, book, now=datetime(2026, 11, 16, 18, tzinfo=VN))
    assert [(each.code, each.apology_by.day) for each in owed] == [(code, 17)]
    assert [await look(17), await look(18), await look(19)] == [0, 1, 0]
    assert (await own.get(f"dossiers/{code}/events"))["items"][1]["flags"] == ["overdue"]
    assert (await own.get(f"dossiers/{code}"))["status_note"] == "Đang thẩm định"
    await own.batch(item(code, due_at="2026-11-20T17:00:00+07:00", changed_at="2026-11-19T08:00:00+07:00"))
    assert [await look(19), await look(20), await look(21)] == [0, 1, 0]


async def test_who_waits_too_long_to_be_accepted_is_noted_once_and_late_again_only_with_the_appointment(
    client: Client,
) -> None:
    from datetime import datetime

    from govchat.dossiers import watch
    from govchat.kit.clock import VN

    slug = "cao-bang"
    own, tenant = Client(client.house, await client.house.key(slug)), client.house.registry.by_slug(slug)
    vault = await client.house.registry.tenant_vault(tenant.id)
    code, book = "H14.01-261120-0001", Book(client.house.registry.db, client.house.registry)

    async def look(act: Any, day: int, hour: int) -> int:
        async with client.house.registry.db.tenant(tenant.id) as session:
            return int(await act(session, vault, tenant.id, book, now=datetime(2026, 11, day, hour, 1, tzinfo=VN)))

    # Friday 09:00, the weekend between: until Monday 09:00.
    due = "2026-11-27T17:00:00+07:00"
    await own.batch(item(code, status=1, due_at=due, received_at=None, changed_at="2026-11-20T09:00:00+07:00"))
    assert [await look(watch.note_unaccepted, *at) for at in ((21, 18), (23, 8), (23, 9), (23, 10))] == [0, 0, 1, 0]
    (_, noted) = (await own.get(f"dossiers/{code}/events"))["items"]
    assert (noted["status"], noted["flags"]) == (1, ["accepted_late"])
    await own.batch(item(code, status=2, due_at=due, received_at=None, changed_at="2026-11-23T14:00:00+07:00"))
    assert (await own.get(f"dossiers/{code}/events"))["items"][2]["flags"] == ["accepted_late"]
    assert [await look(watch.note_overdue, day, 18) for day in (26, 27, 28)] == [0, 1, 0]
