"""A one-stop system's client, written for the National Portal, that is given our address and nothing else."""

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.dossiers.test_batch import national, new_code, step
from tests.house import House, open_house

from govchat.access.keys import TAG_LENGTH
from govchat.access.revoke import revoke
from govchat.dossiers.national import vendor
from govchat.kit import clock
from govchat.obs.redact import redact_text
from govchat.settings import Settings

SLUG, OTHER = "bac-ninh", "ca-mau"


class Portal:
    """A client that logs in with a name and a password and sends everything to one address, as it does to the portal."""

    def __init__(self, house: House, key: str) -> None:
        self.house, self.key, self.session = house, key, ""

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        headers = {"dstcode": "VN:GOV:000.00.00.G22:vpcpdvcprovider", **headers}
        async with self.house.http.post(f"{self.house.url}/v1/national{path}", json=body, headers=headers) as told:
            return told.status, await told.json(content_type=None)

    async def login(self) -> None:
        status, told = await self.post("/login", {"username": "motcua", "password": self.key})
        assert (status, told["error_code"]) == (200, 0), told
        self.session = told["session"]

    async def sync(self, service: str, path: str = "", **body: Any) -> tuple[int, Any]:
        return await self.post(path, {"session": self.session, "madonvi": "000.00.00.H05", "service": service, **body})


@pytest.fixture(scope="module")
async def house(settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, worker=False) as opened:
        yield opened


@pytest.fixture(scope="module")
async def portal(house: House) -> Portal:
    client = Portal(house, await house.key(SLUG, "dossiers:write"))
    await client.login()
    return client


async def test_a_client_of_the_portal_logs_in_asks_and_sends_as_it_does_there(portal: Portal) -> None:
    code = new_code()
    _, asked = await portal.sync("TraCuuHoSo", mahoso=code)
    assert asked == {"error_code": "00", "message": "Không tìm thấy", "result": []}
    _, told = await portal.sync("LayThuTuc", maTTHC="1.013225")
    assert told["result"][0]["TENTTHC"]
    assert told["result"][0]["LINHVUCTHUCHIEN"][0]["TENLINHVUC"]
    status, answer = await portal.sync("DongBoHoSoMC", isUpdating="False", data=[national(code)])
    assert (status, answer["error_code"], answer["result"][0]["outcome"]) == (200, "00", "created")
    _, answer = await portal.sync("CapNhatTienDoHoSoMC", data=[step(code)])
    assert (answer["error_code"], answer["result"][0]["outcome"]) == ("00", "updated")
    _, asked = await portal.sync("TraCuuHoSo", mahoso=code)
    assert asked["result"] == [{"MaHoSo": code, "TrangThaiHoSo": "4"}]


async def test_one_address_is_enough_whichever_it_is(portal: Portal) -> None:
    code = new_code()
    await portal.sync("DongBoHoSoMC", "/DongBoHoSoMC", data=[national(code)])
    _, answer = await portal.sync("CapNhatTienDoHoSoMC", "/DongBoHoSoMC", data=[step(code)])
    assert answer["result"][0]["outcome"] == "updated"
    status, told = await portal.sync("XoaHoSo", data=[national(code)])
    assert (status, told["code"]) == (422, "national_payload_unfit")
    assert "XoaHoSo" in told["detail"]


async def test_a_header_that_a_gateway_put_there_changes_nothing(portal: Portal) -> None:
    gateway = {"authorization": "Bearer 1f7e-of-the-gateway"}
    status, answer = await portal.post("", {"session": portal.session, "service": "TraCuuHoSo"}, **gateway)
    assert (status, answer["error_code"]) == (200, "00")
    status, answer = await portal.post(f"/{portal.key}/DongBoHoSoMC", [national(new_code())], **gateway)
    assert (status, answer["error_code"]) == (200, 0)


async def test_what_does_not_fit_is_told_within_a_session_too(portal: Portal) -> None:
    _, answer = await portal.sync("DongBoHoSoMC", data=[national("x")])
    assert answer["error_code"] == 1
    assert "MaHoSo" in answer["message"]


async def test_whole_dossiers_under_the_name_of_steps_move_their_dossiers(portal: Portal) -> None:
    code = new_code()
    await portal.sync("DongBoHoSoMC", data=[national(code)])
    _, answer = await portal.sync("CapNhatTienDoHoSoMC", data=[national(code, TrangThaiHoSo="4")])
    assert answer["result"][0]["outcome"] == "updated"
    _, asked = await portal.sync("TraCuuHoSo", mahoso=code)
    assert asked["result"][0]["TrangThaiHoSo"] == "4"


async def test_a_key_in_the_address_or_in_basic_credentials_is_enough(portal: Portal) -> None:
    code = new_code()
    query = "?MaDinhDanhDV=000.00.01.H05&isUpdating=False"
    status, answer = await portal.post(f"/{portal.key}/DongBoHoSoMC{query}", [national(code)])
    assert (status, answer["error_code"], answer["result"][0]["outcome"]) == (200, 0, "created")
    for pair in (f"motcua:{portal.key}", f"{portal.key}:"):
        basic = f"Basic {b64encode(pair.encode()).decode()}"
        status, answer = await portal.post("/CapNhatTienDoHoSoMC", [step(code)], authorization=basic)
        assert (status, answer["error_code"]) == (200, 0)
    status, _ = await portal.post(f"/{portal.key}/LayDanhSachTTHC", [])
    assert status == 422


async def test_who_is_not_known_is_refused_with_every_way_in(portal: Portal) -> None:
    wrong = f"{portal.key[:-4]}AAAA"
    tries = [
        ("/DongBoHoSoMC", [], {}),
        ("", {"session": "", "service": "TraCuuHoSo"}, {}),
        ("", {"session": portal.session[:-4] + "AAAA", "service": "TraCuuHoSo"}, {}),
        ("", {"session": vendor.BEGINNING + "é" * 40}, {}),
        ("", {"session": 7}, {}),
        (f"/{wrong}/DongBoHoSoMC", [], {}),
        ("/login", {"username": "motcua", "password": wrong}, {}),
        ("/login", {"username": "motcua"}, {}),
        ("/DongBoHoSoMC", [], {"authorization": "Basic ???"}),
        ("/DongBoHoSoMC", [], {"authorization": f"Basic {b64encode(wrong.encode()).decode()}"}),
        ("/DongBoHoSoMC", {"session": "abc", "data": []}, {"authorization": f"Bearer {wrong}"}),
    ]
    for path, body, headers in tries:
        status, told = await portal.post(path, body, **headers)
        assert (status, told["code"]) == (401, "unauthenticated"), (path, body, headers, told)


async def test_a_session_ends_with_its_day_its_key_and_its_province(house: House) -> None:
    client = Portal(house, await house.key(SLUG, "dossiers:write"))
    await client.login()
    assert client.key not in client.session
    with clock.shifted(vendor.SESSION_FOR + timedelta(seconds=1)):
        status, _ = await client.sync("TraCuuHoSo", mahoso="x")
    assert status == 401
    theirs = await house.key(OTHER, "dossiers:write")
    tag = theirs.removeprefix("gvc_live_")[:TAG_LENGTH]
    moved = vendor.BEGINNING + tag + client.session[len(vendor.BEGINNING) + TAG_LENGTH :]
    status, _ = await client.post("", {"session": moved, "service": "TraCuuHoSo"})
    assert status == 401
    assert (await client.sync("TraCuuHoSo", mahoso="x"))[0] == 200
    tenant = house.registry.by_slug(SLUG)
    async with house.registry.db.tenant(tenant.id) as session:
        await revoke(session, tenant.id, client.key)
    assert (await client.sync("TraCuuHoSo", mahoso="x"))[0] == 401


async def test_a_key_that_may_only_read_opens_no_session(house: House) -> None:
    client = Portal(house, await house.key(SLUG, "dossiers:read"))
    status, told = await client.post("/login", {"username": "x", "password": client.key})
    assert (status, told["code"]) == (403, "scope_missing")


def test_whatever_hides_keys_hides_sessions_and_addresses(portal: Portal) -> None:
    said = redact_text(f"POST /v1/national/{portal.key}/DongBoHoSoMC session {portal.session}")
    assert portal.key not in said
    assert portal.session not in said
