"""`/v1/reports` and `/v1/ratings` over HTTP."""

from collections.abc import AsyncIterator

import pytest
from tests.house import House, open_house

from govchat.settings import Settings


@pytest.fixture(scope="module")
async def api(settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, worker=False) as house:
        yield house


async def test_a_report_and_the_alerts_are_read_with_their_scopes(api: House) -> None:
    async def ask(path: str, key: str) -> tuple[int, dict]:
        async with api.http.get(f"{api.url}/v1{path}", headers={"Authorization": f"Bearer {key}"}) as answer:
            return answer.status, await answer.json(content_type=None)

    reports, petitions = await api.key("hue", "reports:read"), await api.key("hue", "petitions:read", "petitions:write")
    status, told = await ask("/reports/ratings?since=2026-01-01&until=2026-03-31", reports)
    assert (status, told["offices"], told["withheld"], told["since"]) == (200, [], False, "2026-01-01")
    assert (await ask("/reports/ratings", reports))[0] == 200
    assert (await ask("/reports/ratings?since=2026-02-01&until=2026-01-01", reports))[1][
        "code"
    ] == "report_period_invalid"
    assert (await ask("/reports/ratings", petitions))[1]["code"] == "scope_missing"
    assert (await ask("/ratings?alerts=true", petitions))[1] == {"items": [], "next_cursor": None}
    headers = {"Authorization": f"Bearer {petitions}"}
    nobody = "0197a000-0000-7000-8000-000000000000"
    async with api.http.post(f"{api.url}/v1/ratings/{nobody}/seen", headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "rating_not_found")
