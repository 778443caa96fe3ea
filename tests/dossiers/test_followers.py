"""Linking at the counter over HTTP, and what the province's own catalogue and opening hours mean for an appointment."""

import secrets
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import msgspec
import pytest
from tests.house import House, open_house
from tests.journeys.stage import rows

from govchat.access import keys
from govchat.audit import queries as trail
from govchat.dossiers.terms import Office, Terms
from govchat.kit.clock import VN
from govchat.procedures.catalogue import Limit, Procedure, starter
from govchat.settings import Settings
from govchat.tenants.manifest import read_all
from govchat.tenants.schema import Agency, WorkingHours

SLUG = "an-giang"
PHONE = {"phone": "0987 654 321", "evidence": "Phiếu đồng ý số 12/2026"}


@pytest.fixture(scope="module")
async def house(settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, worker=False) as opened:
        yield opened


async def ask(house: House, method: str, path: str, *, test: bool = False, **given: Any) -> tuple[int, Any]:
    tenant = house.registry.by_slug(SLUG)
    async with house.registry.db.tenant(tenant.id) as session:
        made = await keys.create(
            session, tenant_id=tenant.id, slug=SLUG, tag=tenant.key_tag, scopes=keys.SCOPES, test=test
        )
    headers = {"Authorization": f"Bearer {made.key}"}
    async with house.http.request(method, f"{house.url}/v1/dossiers/{path}", headers=headers, **given) as answer:
        return answer.status, await answer.json()


async def test_the_counter_links_sees_and_ends_a_follower(house: House) -> None:
    code = f"H89.1-261117-{secrets.randbelow(10_000):04}"
    assert (await ask(house, "POST", f"{code}/followers", json=PHONE))[1]["code"] == "dossier_not_found"
    await house.put_dossier(SLUG, code)
    assert (await ask(house, "POST", f"{code}/followers", json={**PHONE, "phone": "12345678"}))[1][
        "code"
    ] == "phone_invalid"
    assert (await ask(house, "POST", f"{code}/followers", json={"phone": PHONE["phone"]}))[0] == 422
    tried = await ask(house, "POST", f"{code}/followers", json=PHONE, test=True)
    assert (tried[0], (await ask(house, "GET", f"{code}/followers"))[1]) == (200, {"followers": []})

    status, linked = await ask(house, "POST", f"{code}/followers", json=PHONE)
    assert status == 200
    assert await ask(house, "POST", f"{code}/followers", json=PHONE) == (200, linked), (
        "the same number, the same follower"
    )
    (follower,) = (await ask(house, "GET", f"{code}/followers"))[1]["followers"]
    assert (follower["id"], follower["how"], follower["by_phone"], follower["consented"]) == (
        linked["id"], "counter", True, True,
    )  # fmt: skip
    assert "0987" not in str(follower)
    tenant = house.registry.by_slug(SLUG)
    async with house.registry.db.tenant(tenant.id) as session:
        acts = [entry.act for entry in await trail.last(session, tenant.id, 5)]
    assert "dossier.linked" in acts

    gone = f"{code}/followers/{linked['id']}"
    assert (await ask(house, "DELETE", gone, test=True))[1] == {"ended": True}
    assert (await ask(house, "DELETE", gone, params={"evidence": "Đơn ngày 20/11"}))[1] == {"ended": True}
    assert (await ask(house, "DELETE", gone))[1] == {"ended": False}
    assert (await ask(house, "GET", f"{code}/followers"))[1] == {"followers": []}
    left = await rows(
        house, tenant, "SELECT purpose, state FROM consents WHERE tenant_id = :tenant AND citizen_id = :id ORDER BY 1",
        id=linked["id"],
    )  # fmt: skip
    assert [tuple(row) for row in left] == [("phone", "withdrawn"), ("status", "withdrawn")]


async def test_a_slip_agrees_to_each_purpose_by_itself(house: House) -> None:
    code, number = f"H89.1-261118-{secrets.randbelow(10_000):04}", f"09876{secrets.randbelow(100_000):05}"
    await house.put_dossier(SLUG, code)
    slip = {"phone": number, "evidence": "Phiếu 12", "agrees_to": ["survey"]}
    status, linked = await ask(house, "POST", f"{code}/followers", json=slip)
    assert status == 200
    assert (await ask(house, "POST", f"{code}/followers", json={**slip, "agrees_to": ["all"]}))[0] == 422
    tenant = house.registry.by_slug(SLUG)
    found = await rows(
        house,
        tenant,
        "SELECT purpose, state, how, evidence FROM consent_events WHERE citizen_id = :citizen ORDER BY purpose",
        citizen=linked["id"],
    )
    assert [tuple(row) for row in found] == [
        (purpose, "granted", "counter", "Phiếu 12") for purpose in ("phone", "status", "survey")
    ]


class Dated:
    """A catalogue in which the limit was shortened on 15 November."""

    def get(self, code: str, on: date | None = None) -> Procedure | None:
        found = starter().get(code)
        days = 10 if on is not None and on < date(2026, 11, 15) else 3
        return found and msgspec.structs.replace(
            found, limit=Limit(value=days, unit="working_day", certainty="confirmed")
        )


def test_the_limit_is_the_one_in_force_on_the_day_of_reception() -> None:
    terms = Terms(Dated(), None, {}, {})
    dues = {}
    for day in (13, 16):
        received = datetime(2026, 11, day, 9, tzinfo=VN)
        dues[day] = terms.of("1.013225", "Sở Xây dựng", received_at=received).due(received)
    # 24 November is a holiday.
    assert dues == {13: datetime(2026, 11, 30, 9, tzinfo=VN), 16: datetime(2026, 11, 19, 9, tzinfo=VN)}


def test_hours_are_the_rules_then_the_agencys_then_the_provinces(settings: Settings) -> None:
    manifest = next(one for one in read_all(settings.tenants_dir).manifests if one.slug == SLUG)
    late = WorkingHours(morning="08:00-12:00", afternoon="13:30-17:30")
    agency = Agency(code="xa-a", name="UBND xã A", dossier_units=("H89.7",), hours=late)
    manifest = msgspec.structs.replace(
        manifest, agencies=(agency,), working_hours=WorkingHours(morning="07:00-11:00", afternoon="13:30-17:30")
    )
    terms = Terms(starter(), manifest, {"ubnd xa b": Office("UBND xã B", morning="06:30-11:30")}, {})
    monday = datetime(2026, 11, 16, 0, tzinfo=VN)

    def opens(unit: str, code: str = "") -> str:
        return f"{terms.of('1.013225', unit, code=code).calendar.work_starts(monday):%H:%M}"

    assert opens("UBND xã B", "H89.7-261116-0001") == "06:30"
    assert opens("ubnd xã a") == "08:00"
    assert opens("Sở Xây dựng", "H89.7-261116-0001") == "08:00"
    assert opens("Sở Xây dựng", "H89.8-261116-0001") == "07:00"
    assert opens("Công an xã C", "H89.8-261116-0001") == "07:30"
