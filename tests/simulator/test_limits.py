"""Requests a minute: both windows of the OA and of the app, the text of -32, the maxima, and lifting it all."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from govchat.kit import clock
from govchat.simulator.limits import Meter, admit

HELLO = {"text": "a"}


async def test_an_oa_over_its_limit_is_told_that_it_is_the_oa(zalo):
    token = zalo.tokens("1002")
    zalo.sim.world.person("1002", "u1").interact(zalo.sim.world.now())
    answers = [await zalo.cs(HELLO, token=token) for _ in range(101)]
    assert [answer["error"] for answer in answers] == [0] * 100 + [-32]
    assert "Official Account 1002" in answers[-1]["message"]
    assert (await zalo.cs(HELLO))["error"] == 0, "another OA of the same app has room"
    with clock.shifted(timedelta(seconds=61)):
        assert (await zalo.cs(HELLO, token=token))["error"] == 0
    stats = await zalo.control("GET", "stats")
    assert stats["oas"]["bac-ninh"]["over_limit"] == stats["over_limit"] == 1
    assert stats["oas"]["bac-ninh"]["max_in_60s"] == 100
    assert stats["refused"] == {"-32": 1}


async def test_an_app_over_its_limit_is_told_that_it_is_the_app(zalo):
    await zalo.control("POST", "limits", {"app": "11", "app_per_minute": 3})
    token = zalo.tokens("1002")
    for _ in range(3):
        assert (await zalo.get("/v2.0/oa/getoa"))["error"] == 0
    answer = await zalo.get("/v2.0/oa/getoa", token=token)
    assert answer["error"] == -32
    assert "application 11" in answer["message"]
    assert (await zalo.get("/v2.0/oa/getoa", token=zalo.tokens("1003")))["error"] == 0, "another app has room"


async def test_the_rate_headers_count_down(zalo, http):
    headers = {"access_token": zalo.token}
    async with http.get(f"{zalo.sim.url}/v2.0/oa/getoa", headers=headers) as reply:
        assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remain"]) == ("2000", "1999")
    async with http.get(f"{zalo.sim.url}/v2.0/oa/getoa", headers=headers) as reply:
        assert reply.headers["X-RateLimit-Remain"] == "1998"


async def test_a_refused_message_was_still_a_request(zalo):
    await zalo.control("POST", "limits", {"oa": "1001", "oa_per_minute": 2})
    assert (await zalo.cs({}))["error"] == -201
    assert (await zalo.cs({}))["error"] == -201
    assert (await zalo.cs(HELLO))["error"] == -32


async def test_lifted_limits_still_count(zalo):
    await zalo.control("POST", "limits", {"oa_per_minute": 2, "lifted": True})
    for _ in range(5):
        assert (await zalo.cs(HELLO))["error"] == 0
    stats = await zalo.control("GET", "stats")
    assert stats["oas"]["an-giang"]["max_in_60s"] == 5
    assert stats["over_limit"] == 0
    await zalo.control("DELETE", "stats")
    assert (await zalo.control("GET", "stats"))["oas"]["an-giang"]["total"] == 0


async def test_template_messages_by_phone_are_not_counted(zalo):
    await zalo.control("POST", "limits", {"oa_per_minute": 1})
    for _ in range(3):
        assert (await zalo.get("/message/quota"))["error"] == 0


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200), st.integers(1, 20))
def test_no_window_of_sixty_seconds_and_no_minute_ever_holds_more_than_the_limit(pauses, limit):
    oa, app = Meter(limit), Meter(10**6)
    now, taken = 1_000_000.0, []
    for pause in pauses:
        now += pause
        who, _ = admit(oa, app, now)
        inside = [at for at in taken if now - at < 60]
        minute = [at for at in taken if at // 60 == now // 60]
        assert (who == "") == (max(len(inside), len(minute)) < limit)
        if not who:
            taken.append(now)
    assert oa.over == len(pauses) - len(taken)
    assert oa.max_in_60s <= limit
    assert oa.max_in_minute <= limit
