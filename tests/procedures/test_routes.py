"""`/v1/procedures` as a province's systems use it."""

from collections.abc import AsyncIterator

import pytest
from tests.house import open_house

SLUG, OTHER = "cao-bang", "quang-ngai"


class Client:
    def __init__(self, house, keys) -> None:
        self.house, self.keys = house, keys

    async def call(self, method, path="", slug=SLUG, **given):
        headers = {"Authorization": f"Bearer {self.keys[slug]}"}
        url = f"{self.house.url}/v1/procedures{path}"
        async with self.house.http.request(method, url, headers=headers, **given) as answer:
            return answer.status, await answer.json(content_type=None)

    async def ok(self, *words, **given):
        status, told = await self.call(*words, **given)
        assert status == 200, told
        return told


@pytest.fixture(scope="module")
async def client(settings) -> AsyncIterator[Client]:
    async with open_house(settings, worker=False) as house:
        yield Client(house, {slug: await house.key(slug) for slug in (SLUG, OTHER)})


@pytest.mark.parametrize("words", ["khai tử", "khai tu", "KHAI TỬ", "giay chung tu", "1.000656"])
async def test_a_search_needs_no_diacritics(client, words):
    found = await client.ok("GET", params={"q": words})
    assert "1.000656" in [each["code"] for each in found["items"][:3]]


async def test_the_list_is_walked_by_its_cursor_without_a_gap(client):
    whole = (await client.ok("GET", params={"limit": 200}))["items"]
    walked, cursor = [], ""
    while True:
        page = await client.ok("GET", params={"limit": 40, "cursor": cursor})
        walked += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert walked == whole
    assert page["total"] == len(whole) > 100
    status, told = await client.call("GET", params={"cursor": "%%%"})
    assert (status, told["code"]) == (422, "procedure_cursor_invalid")


async def test_an_override_is_put_read_at_once_and_taken_back(client):
    national = await client.ok("GET", "/1.013225")
    said = {"fee": {"amount": 75000}, "address": "Số 1 phố Xuân Trường", "limit": {"value": 6, "unit": "working_day"}}
    put = await client.ok("PUT", "/1.013225.H14", json=said)
    assert (put["code"], put["outcome"], put["version"]) == ("1.013225", "created", 1)
    now = await client.ok("GET", "/1.013225")
    assert now == put["procedure"]
    assert (now["fee"]["text"], now["limit"]["spelled"], now["layer"]) == ("75.000 đ", "6 ngày làm việc", "override")
    assert now["documents"] == national["documents"]
    assert now["override"]["address"] == said["address"]
    assert (await client.ok("GET", "/1.013225", slug=OTHER))["layer"] == "national"
    assert (await client.ok("GET", "/1.013225", params={"on": "2020-01-01"}))["fee"] == national["fee"]
    assert (await client.ok("PUT", "/1.013225", json=now["override"]))["outcome"] == "unchanged"
    assert (await client.ok("PUT", "/1.013225", json={}))["outcome"] == "updated"
    assert (await client.ok("GET", "/1.013225"))["fee"] == national["fee"]
    assert len(await client.ok("GET", "/1.013225/versions")) == 2


async def test_a_correction_settles_its_doubt(client):
    async def doubts():
        return {
            (each["code"], each["field"])
            for each in (await client.ok("GET", "/flags", params={"limit": 200, "field": "fee"}))["items"]
        }

    assert ("1.000689", "fee") in await doubts()
    await client.ok("PUT", "/1.000689", json={"fee": {"amount": 0}})
    assert ("1.000689", "fee") not in await doubts()


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/khai-sinh", {}, 422, "procedure_code_invalid"),
        ("/9.999999", {"fee": {"amount": 1}}, 422, "procedure_override_refused"),
        ("/1.013225", {"replaced_by": "9.999999"}, 422, "procedure_override_refused"),
        ("/1.013225", {"limit": {"value": 5}}, 422, "invalid"),
        ("/1.013225", {"limit": {"value": 0, "unit": "working_day"}}, 422, "invalid"),
        ("/1.013225", {"fee": {}}, 422, "invalid"),
        ("/1.013225", {"phi": 5}, 422, "invalid"),
        ("/1.013225", {"valid_from": "1066-01-01"}, 422, "invalid"),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_is_kept(client, path, body, status, code):
    before = await client.call("GET", path)
    answered, told = await client.call("PUT", path, json=body)
    assert (answered, told["code"]) == (status, code)
    assert await client.call("GET", path) == before


async def test_a_file_is_imported_after_a_dry_run(client):
    file = "Mã TTHC,Tên thủ tục,Lệ phí\n1.004884,Thủ tục đăng ký lại khai sinh,33.000\nxyz,Sai,\n".encode()
    told = await client.ok("POST", "/import", params={"dry_run": "true"}, data=file)
    assert [(each["field"], each["how"]) for each in told["file"]["columns"]] == [
        ("code", "exact"), ("official_name", "exact"), ("charge", "exact"),
    ]  # fmt: skip
    assert (told["applied"], [each["code"] for each in told["changed"]], told["bad"][0]["line"]) == (
        False,
        ["1.004884"],
        3,
    )
    assert (await client.ok("GET", "/1.004884"))["layer"] == "national"
    status, refused = await client.call("POST", "/import", params={"strict": "true"}, data=file)
    assert (status, refused["code"], refused["bad"][0]["line"]) == (422, "catalogue_import_refused", 3)
    assert (await client.ok("POST", "/import", data=file))["applied"]
    assert (await client.ok("GET", "/1.004884"))["fee"]["amount"] == 33000
    status, refused = await client.call("POST", "/import", data=b"%PDF-1.7")
    assert (status, refused["code"]) == (422, "catalogue_file_unreadable")
