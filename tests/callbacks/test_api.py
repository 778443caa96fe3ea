"""`/v1/callbacks` as a one-stop system uses it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.callbacks.stage import LOOPBACK, verify
from tests.house import House, open_house

from govchat.callbacks.deliver import Deliverer
from govchat.settings import Settings


@pytest.fixture(scope="module")
async def api(own: Settings) -> AsyncIterator[House]:
    async with open_house(own, worker=False) as house:
        yield house


@pytest.fixture
async def call(api: House):
    key = await api.key("dong-nai", "callbacks:read", "callbacks:write")

    async def ask(method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{api.url}/v1/callbacks{path}"
        async with api.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    return ask


async def test_a_callback_lives_from_its_first_test_to_its_removal(api, call, receivers):
    receiver = await receivers()
    status, made = await call("POST", "", {"url": receiver.url, "kinds": ["petition.answered"]})
    assert status == 201
    assert made["secret"].startswith("whsec_")
    path = f"/{made['id']}"
    status, told = await call("GET", path)
    assert (status, told["state"], told["kinds"], "secret" in told) == (200, "enabled", ["petition.answered"], False)
    assert await call("POST", f"{path}/test") == (202, {"queued": 1})
    assert (await call("GET"))[1][0]["waiting"] == 1

    registry = api.registry
    registry.settings = msgspec.structs.replace(registry.settings, callback_allow=LOOPBACK)
    deliverer = Deliverer(registry)
    assert await deliverer.run_once() == 1
    await deliverer.close()
    assert verify(made["secret"], *receiver.got[0])
    assert receiver.bodies[0]["type"] == "callback.test"
    (delivery,) = (await call("GET", f"{path}/deliveries"))[1]
    assert (delivery["state"], delivery["last_status"], delivery["attempts"]) == ("delivered", 204, 1)
    assert (await call("GET", f"{path}/deliveries?only=failed"))[1] == []

    changed = {"url": receiver.url, "kinds": [], "timeout_s": 3, "state": "disabled"}
    status, told = await call("PUT", path, changed)
    assert (status, told["state"], told["kinds"], told["timeout_s"]) == (200, "disabled", [], 3)
    assert (await call("POST", f"{path}/test"))[1]["code"] == "callback_disabled"
    assert (await call("PUT", path, changed | {"state": "enabled"}))[1]["disabled_why"] is None
    status, again = await call("POST", f"{path}/replay", {"since": "2026-01-01T00:00:00+07:00", "delivered_too": True})
    assert (status, again) == (202, {"queued": 1})
    assert (await call("POST", f"{path}/secret"))[1]["secret"] != made["secret"]
    assert await call("DELETE", path) == (200, {"removed": True})
    assert await call("DELETE", path) == (200, {"removed": False})
    assert (await call("GET", path))[1]["code"] == "callback_not_found"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"url": "http://169.254.169.254/latest"}, "callback_url_invalid", None),
        ({"url": "https://10.0.0.1/x"}, "callback_url_invalid", None),
        ({"url": "https://me:pw@motcua.example/"}, "callback_url_invalid", None),
        ({"url": "x"}, "invalid", "url"),
        ({"url": "https://motcua.example/", "kinds": ["Notice!"]}, "invalid", "kinds[0]"),
        ({"url": "https://motcua.example/", "timeout_s": 31}, "invalid", "timeout_s"),
        ({"url": "https://motcua.example/", "secret": "mine"}, "invalid", "secret"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(call, body, code, field):
    status, told = await call("POST", "", body)
    assert (status, told["code"]) == (422, code)
    if field:
        assert told["errors"][0]["field"].startswith(field.partition("[")[0])


async def test_a_province_has_at_most_five(call):
    made = [(await call("POST", "", {"url": f"https://motcua.example/{n}"}))[1]["id"] for n in range(5)]
    status, told = await call("POST", "", {"url": "https://motcua.example/6"})
    assert (status, told["code"]) == (409, "callback_limit")
    for each in made:
        await call("DELETE", f"/{each}")
