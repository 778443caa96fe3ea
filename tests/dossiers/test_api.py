"""`PUT` and `GET /v1/dossiers/{code}` as one-stop systems use them."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import LargeBinary, cast, func, select, update
from tests.house import House, open_house

from govchat.dossiers import intake
from govchat.dossiers.models import DossierEventRow, DossierRow
from govchat.dossiers.schemas import DossierIn
from govchat.procedures.book import Book
from govchat.settings import Settings

SLUG = "lam-dong"
_numbers = itertools.count(1)


def new_code() -> str:
    return f"H36.01-261103-{next(_numbers):04d}"


def body(**changes: Any) -> dict[str, Any]:
    """The example of the interface, with some fields changed; `...` leaves a field out."""
    whole = {
        "procedure_code": "1.013225",
        "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": "0912345678", "id_number": "060190000123"},
        "lookup_secret": "K7PX",
        "received_at": "2026-11-03T09:12:00+07:00",
        "due_at": "2026-12-01T17:00:00+07:00",
        "status": 4,
        "status_note": "Đang thẩm định tại hiện trường",
        "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
        "changed_at": "2026-11-16T08:00:00+07:00",
        "results": [{"name": "Giấy phép xây dựng", "url": "https://motcua.example/kq/1"}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


class Client:
    """The one-stop system of one province."""

    def __init__(self, house: House, key: str) -> None:
        self.house = house
        self.headers = {"Authorization": f"Bearer {key}"}

    async def put(self, code: str, **changes: Any) -> dict[str, Any]:
        status, answer = await self.call("PUT", code, json=body(**changes))
        assert status == 200, answer
        return answer

    async def get(self, code: str) -> dict[str, Any]:
        status, answer = await self.call("GET", code)
        assert status == 200, answer
        return answer

    async def call(self, method: str, code: str, **given: Any) -> tuple[int, dict[str, Any]]:
        url = f"{self.house.url}/v1/dossiers/{code}"
        headers = self.headers | given.pop("headers", {})
        async with self.house.http.request(method, url, headers=headers, **given) as answer:
            told = await answer.json(content_type=None)
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json"
                assert told["status"] == answer.status
                assert told["type"] == f"urn:govchat:problem:{told['code']}"
            return answer.status, told

    async def events(self, code: str) -> list[DossierEventRow]:
        tenant = self.house.registry.by_slug(SLUG)
        async with self.house.registry.db.tenant(tenant.id) as session:
            found = await session.scalars(
                select(DossierEventRow)
                .join(
                    DossierRow,
                    (DossierRow.tenant_id == DossierEventRow.tenant_id) & (DossierRow.id == DossierEventRow.dossier_id),
                )
                .where(DossierRow.code_key == code)
                .order_by(DossierEventRow.number)
            )
            return list(found)


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with open_house(settings, worker=False) as house:
        yield Client(house, await house.key(SLUG))


async def test_a_dossier_is_created_read_back_and_keeps_its_secret(client: Client) -> None:
    code = new_code()
    assert await client.put(code) == {"code": code, "status": 4, "outcome": "created", "notices": 0}
    seen = await client.get(code)
    assert seen["applicant"] == body()["applicant"]
    assert seen["handler"] == body()["handler"]
    assert seen["results"] == body()["results"]
    assert datetime.fromisoformat(seen["due_at"]) == datetime.fromisoformat(body()["due_at"])
    assert seen["due_is_computed"] is False
    assert seen["procedure_name"].startswith("Cấp giấy phép xây dựng")
    assert "K7PX" not in str(seen)


async def test_the_same_again_changes_nothing_and_something_new_does(client: Client) -> None:
    code = new_code()
    await client.put(code)
    assert (await client.put(code))["outcome"] == "unchanged"
    assert len(await client.events(code)) == 1
    told = await client.put(code, status=9, changed_at="2026-11-17T08:00:00+07:00")
    assert (told["status"], told["outcome"]) == (9, "updated")
    assert [(event.number, event.status) for event in await client.events(code)] == [(1, 4), (2, 9)]


async def test_a_corrected_name_updates_without_an_event(client: Client) -> None:
    code = new_code()
    await client.put(code)
    assert (await client.put(code, applicant={"name": "Trịnh Thị Phương Hiên"}))["outcome"] == "updated"
    assert (await client.get(code))["applicant"] == {"name": "Trịnh Thị Phương Hiên"}
    assert len(await client.events(code)) == 1


async def test_what_is_older_than_stored_is_stale_and_changes_nothing(client: Client) -> None:
    code = new_code()
    await client.put(code, status=9)
    before = await client.get(code)
    told = await client.put(code, status=5, changed_at="2026-11-16T07:59:59+07:00")
    assert (told["status"], told["outcome"]) == (9, "stale")
    assert await client.get(code) == before
    assert len(await client.events(code)) == 1


async def test_the_same_moment_in_another_offset_is_not_older(client: Client) -> None:
    code = new_code()
    await client.put(code, status=4)
    told = await client.put(code, status=9, changed_at="2026-11-16T01:00:00Z")
    assert told["outcome"] == "updated"


async def test_a_date_left_out_is_computed_and_null_is_kept(client: Client) -> None:
    computed, none, unknown = new_code(), new_code(), new_code()
    await client.put(computed, due_at=...)
    seen = await client.get(computed)
    assert seen["due_is_computed"] is True
    assert datetime.fromisoformat(seen["due_at"]) > datetime.fromisoformat(body()["received_at"])
    await client.put(none, due_at=None)
    seen = await client.get(none)
    assert (seen["due_at"], seen["due_is_computed"]) == (None, False)
    await client.put(unknown, due_at=..., procedure_code="9.999999")
    seen = await client.get(unknown)
    assert (seen["due_at"], seen["due_is_computed"], seen["procedure_name"]) == (None, False, None)
    assert (await client.put(computed, due_at=None))["outcome"] == "updated"
    assert (await client.get(computed))["due_at"] is None


@pytest.mark.parametrize(
    "written",
    ["h36.01-261104-7", "H36.01 261104 0007", "H36.01-261104-00007", " h36.01_261104_0007 ", "H36.O1-2611O4-OOO7"],
)
async def test_every_written_shape_of_a_code_is_one_dossier(client: Client, written: str) -> None:
    await client.put("H36.01-261104-0007")
    assert (await client.get(written))["code"] == "H36.01-261104-0007"
    assert (await client.put(written))["outcome"] == "unchanged"


async def test_names_in_every_script_come_back_letter_for_letter(client: Client) -> None:
    code = new_code()
    name, unit = "Nguyễn Thị Ánh Nguyệt 阮氏 😀 \u202e \u2067 K'Brếp Y‑Blô", "UBND xã Đạ K'Nàng\nbộ phận “một cửa”"
    await client.put(code, applicant={"name": name}, handler={"unit": unit})
    seen = await client.get(code)
    assert (seen["applicant"]["name"], seen["handler"]["unit"]) == (name, unit)


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"extra": 1}, "extra", "unknown field"),
        ({"applicant": {"name": "A", "age": 3}}, "applicant.age", "unknown field"),
        ({"procedure_code": ...}, "procedure_code", "missing"),
        ({"handler": {}}, "handler.unit", "missing"),
        ({"status": 11}, "status", "<= 10"),
        ({"status": 0}, "status", ">= 1"),
        ({"status": "4"}, "status", "Expected `int`, got `str`"),
        ({"status": 4.5}, "status", "Expected `int`, got `float`"),
        ({"status": 10**40}, "status", "int"),
        ({"status": None}, "status", "got `null`"),
        ({"changed_at": "2026-11-16T08:00:00"}, "changed_at", "timezone"),
        ({"changed_at": "16/11/2026"}, "changed_at", "RFC3339"),
        ({"changed_at": 1763254800}, "changed_at", "got `int`"),
        ({"changed_at": "0001-01-01T00:00:00+07:00"}, "changed_at", "expected a year from 1900 to 2200"),
        ({"received_at": "9999-12-31T23:59:59-07:00"}, "received_at", "expected a year from 1900 to 2200"),
        ({"due_at": "9999-12-31T23:59:59Z"}, "due_at", "expected a year from 1900 to 2200"),
        ({"applicant": {"name": "x" * 301}}, "applicant.name", "<= 300"),
        ({"applicant": {"name": "   "}}, "applicant.name", r"\S"),
        ({"handler": {"unit": ""}}, "handler.unit", ">= 1"),
        ({"status_note": "x" * 2001}, "status_note", "<= 2000"),
        ({"lookup_secret": "12"}, "lookup_secret", ">= 3"),
        ({"lookup_secret": "1    "}, "lookup_secret", r"\S"),
        ({"results": [{"name": "x"}] * 21}, "results", "<= 20"),
        ({"results": [{"name": "x"}, {"name": "y", "url": "javascript:alert(1)"}]}, "results[1].url", "regex"),
        ({"handler": {"unit": "a\0b"}}, "body", "U+0000"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_its_field(
    client: Client, changes: dict[str, Any], field: str, told: str
) -> None:
    code = new_code()
    status, problem = await client.call("PUT", code, json=body(**changes))
    assert (status, problem["code"]) == (422, "invalid"), problem
    assert problem["errors"][0]["field"] == field
    assert told in problem["errors"][0]["message"]
    assert field in problem["detail"]
    assert (await client.call("GET", code))[0] == 404, "nothing was stored"


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b'{"procedure_code":', {}, 400, "bad_request"),
        (b"", {}, 422, "invalid"),
        (b'{"procedure_code": "\xff\xfe"}', {}, 400, "bad_request"),
        (b"[" * 50_000, {}, 422, "invalid"),
        (b'{"x":' + b"[" * 50_000, {}, 422, "invalid"),
        (b'{"status_note": "\\ud800"}', {}, 400, "bad_request"),
        (b"null", {}, 422, "invalid"),
        (b"[]", {}, 422, "invalid"),
        (b"status=4", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "media_type_unsupported"),
        (b"<hoso/>", {"Content-Type": "text/xml"}, 415, "media_type_unsupported"),
    ],
    ids=["cut off", "empty", "not UTF-8", "deep", "deep inside", "half a letter", "null", "a list", "a form", "xml"],
)
async def test_a_body_that_is_no_dossier_is_refused(
    client: Client, data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    told, problem = await client.call(
        "PUT", new_code(), data=data, headers={"Content-Type": "application/json"} | headers
    )
    assert (told, problem["code"]) == (status, code), problem


async def test_a_body_of_many_megabytes_is_refused(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * (1024 * 1024)

    headers = client.headers | {"Content-Type": "application/json", "Content-Length": str(9 * 1024 * 1024)}
    url = f"{client.house.url}/v1/dossiers/{new_code()}"
    async with client.house.http.put(url, data=endless(), headers=headers) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("DELETE", "dossiers/H36.01-261103-0001", 405, "method_not_allowed"),
        ("POST", "dossiers/H36.01-261103-0001", 405, "method_not_allowed"),
        ("GET", "nothing", 404, "not_found"),
        ("GET", "dossiers/H36.01-261103-0001/nothing", 404, "not_found"),
        ("GET", "dossiers/H36.01-261103-999999", 404, "dossier_not_found"),
        ("GET", "dossiers/khong-phai-ma", 422, "dossier_code_invalid"),
        ("GET", "dossiers/H36.01-261399-0001", 422, "dossier_code_invalid"),
        ("GET", "dossiers/" + "9" * 500, 422, "invalid"),
        ("GET", "dossiers/%00%ff'--", 422, "dossier_code_invalid"),
    ],
)
async def test_a_wrong_address_is_told_what_is_wrong(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    told, problem = await client.call(method, f"../{path}")
    assert (told, problem["code"]) == (status, code), problem


async def test_twenty_at_once_make_one_dossier_with_a_whole_history(client: Client) -> None:
    code = new_code()
    moments = [f"2026-11-16T08:00:{second:02d}+07:00" for second in range(20)]
    told = await asyncio.gather(*(client.put(code, status=2 + n % 3, changed_at=at) for n, at in enumerate(moments)))
    outcomes = [answer["outcome"] for answer in told]
    assert outcomes.count("created") == 1
    assert set(outcomes) <= {"created", "updated", "unchanged", "stale"}
    events = await client.events(code)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.changed_at for event in events] == sorted(event.changed_at for event in events)
    assert len(events) == outcomes.count("created") + outcomes.count("updated")
    seen = await client.get(code)
    assert datetime.fromisoformat(seen["changed_at"]) == datetime.fromisoformat(moments[-1])
    assert (events[-1].changed_at, events[-1].status) == (datetime.fromisoformat(moments[-1]), seen["status"])


async def test_twenty_times_the_same_at_once_is_one_creation_and_nothing_else(client: Client) -> None:
    code = new_code()
    told = await asyncio.gather(*(client.put(code) for _ in range(20)))
    assert sorted(answer["outcome"] for answer in told) == ["created"] + ["unchanged"] * 19
    assert len(await client.events(code)) == 1


async def test_no_personal_datum_stands_readable_in_the_tables(client: Client) -> None:
    code = new_code()
    await client.put(code)
    tenant = client.house.registry.by_slug(SLUG)
    async with client.house.registry.db.tenant(tenant.id) as session:
        row = (await session.execute(select(DossierRow.__table__).where(DossierRow.code_key == code))).one()
        raw = await session.scalar(
            select(cast(func.string_agg(DossierRow.private_sealed, b""), LargeBinary)).where(
                DossierRow.code_key == code
            )
        )
    stored = b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in row) + (raw or b"")
    for personal in (
        "Trịnh Thị Phương Hiền", "Hiền", "0912345678", "84912345678", "912345678", "060190000123", "Trần Văn An", "K7PX",
        "Đang thẩm định", "https://motcua.example",
    ):  # fmt: skip
        assert personal.encode() not in stored, personal
    assert b"1.013225" in stored, "what a bare code may show is readable"


async def test_a_sealed_value_opens_only_where_it_stands(client: Client) -> None:
    """Two dossiers of the same person share no bytes, and one's sealed value does not open as the other's."""
    one, other = new_code(), new_code()
    await client.put(one)
    await client.put(other)
    tenant = client.house.registry.by_slug(SLUG)
    async with client.house.registry.db.tenant(tenant.id) as session:
        rows = (await session.scalars(select(DossierRow).where(DossierRow.code_key.in_([one, other])))).all()
        assert rows[0].private_sealed != rows[1].private_sealed
        rows[0].private_sealed = rows[1].private_sealed
    status, problem = await client.call("GET", rows[0].code)
    assert (status, problem["code"]) == (500, "dossier_damaged")
    assert "Hiền" not in str(problem)
    assert rows[0].code in problem["detail"]


async def test_a_damaged_dossier_is_marked_hides_no_other_and_is_mended_by_putting_it_again(client: Client) -> None:
    damaged, whole = new_code(), new_code()
    await client.put(damaged)
    await client.put(whole)
    tenant = client.house.registry.by_slug(SLUG)
    async with client.house.registry.db.tenant(tenant.id) as session:
        await session.execute(
            update(DossierRow).where(DossierRow.code_key == damaged).values(private_sealed=b"\x01damaged")
        )
    listed, cursor = {}, ""
    while cursor is not None:
        status, page = await client.call("GET", f"?limit=100{cursor and f'&cursor={cursor}'}")
        assert status == 200, page
        listed |= {item["code"]: item for item in page["items"]}
        cursor = page["next_cursor"]
    assert (listed[damaged]["damaged"], listed[damaged]["applicant"], listed[damaged]["status"]) == (True, None, 4)
    assert (listed[whole]["damaged"], listed[whole]["applicant"]["name"]) == (False, "Trịnh Thị Phương Hiền")
    assert (await client.call("GET", damaged))[1]["code"] == "dossier_damaged"
    assert (await client.put(damaged, changed_at="2026-11-17T08:00:00+07:00"))["outcome"] == "updated"
    assert (await client.get(damaged))["applicant"]["name"] == "Trịnh Thị Phương Hiền"


async def test_many_created_at_once_are_each_created_once(client: Client) -> None:
    """What a batch rests on: existing ones are left alone and not reported."""
    registry = client.house.registry
    tenant = registry.by_slug(SLUG)
    vault = await registry.tenant_vault(tenant.id)
    codes = [new_code() for _ in range(3)]
    await client.put(codes[0])
    given = msgspec.convert(body(), DossierIn)
    async with registry.db.tenant(tenant.id) as session:
        made = await intake.create_missing(
            session, vault, tenant.id, Book(registry.db, registry), [(code, given) for code in codes]
        )
    assert made == set(codes[1:])
    assert [len(await client.events(code)) for code in codes] == [1, 1, 1]
