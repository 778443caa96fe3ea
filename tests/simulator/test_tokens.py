"""Tokens: single use, whatever the race; the errors of OAuth; consent; and what survives a restart."""

import asyncio
import base64
import hashlib
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from govchat.kit import clock
from govchat.simulator import server

REFRESH = {"app_id": "11", "grant_type": "refresh_token", "refresh_token": "dev-refresh:1002"}


async def refresh(zalo, token):
    return await zalo.form({**REFRESH, "refresh_token": token})


async def test_a_refresh_token_works_once_among_fifty_who_try(zalo):
    answers = await asyncio.gather(*(zalo.form(REFRESH) for _ in range(50)))
    good = [answer for answer in answers if "access_token" in answer]
    assert len(good) == 1
    assert {answer["error"] for answer in answers if answer is not good[0]} == {-14020}
    assert good[0]["expires_in"] == "90000"
    assert all("message" not in answer for answer in answers)


async def test_a_rotation_ends_the_access_token_before_it(zalo):
    first = await zalo.form(REFRESH)
    assert (await zalo.get("/v2.0/oa/getoa", token=first["access_token"]))["error"] == 0
    second = await refresh(zalo, first["refresh_token"])
    assert (await zalo.get("/v2.0/oa/getoa", token=first["access_token"]))["error"] == -216
    assert (await zalo.get("/v2.0/oa/getoa", token=second["access_token"]))["data"]["oaid"] == "1002"
    assert (await refresh(zalo, first["refresh_token"]))["error"] == -14020


async def test_tokens_expire_in_their_time(zalo):
    first = await zalo.form(REFRESH)
    with clock.shifted(timedelta(seconds=89_990)):
        assert (await zalo.get("/v2.0/oa/getoa", token=first["access_token"]))["error"] == 0
    with clock.shifted(timedelta(seconds=90_001)):
        assert (await zalo.get("/v2.0/oa/getoa", token=first["access_token"]))["error"] == -220
    with clock.shifted(timedelta(days=91)):
        assert (await refresh(zalo, first["refresh_token"]))["error"] == -14020
    assert "access_token" in await refresh(zalo, first["refresh_token"])


@pytest.mark.parametrize(
    ("change", "secret", "code"),
    [
        ({"app_id": "99"}, "app-secret-1", -14002),
        ({}, "wrong", -14012),
        ({}, None, -14012),
        ({"grant_type": "password"}, "app-secret-1", -14012),
        ({"refresh_token": "nonsense"}, "app-secret-1", -14014),
        ({"refresh_token": "dev-refresh:1003"}, "app-secret-1", -14014),
        ({"grant_type": "authorization_code", "code": "nonsense"}, "app-secret-1", -14024),
    ],
)
async def test_oauth_refuses_in_its_own_shape(zalo, change, secret, code):
    answer = await zalo.form({**REFRESH, **change}, secret)
    assert answer["error"] == code
    assert answer["error_name"]
    assert answer["error_description"]


async def test_a_token_of_another_maker_is_refused(zalo):
    pair = await zalo.form(REFRESH)
    forged = pair["refresh_token"][:-1] + ("0" if pair["refresh_token"][-1] != "0" else "1")
    assert (await refresh(zalo, forged))["error"] == -14014
    assert (await refresh(zalo, pair["access_token"]))["error"] == -14014, "an access token is no refresh token"


async def test_control_expires_revokes_and_resets(zalo):
    pair = await zalo.form(REFRESH)
    await zalo.control("POST", "token/bac-ninh/expire")
    assert (await zalo.get("/v2.0/oa/getoa", token=pair["access_token"]))["error"] == -220
    pair = await refresh(zalo, pair["refresh_token"])
    await zalo.control("POST", "token/1002/revoke")
    assert (await refresh(zalo, pair["refresh_token"]))["error"] == -14014
    await zalo.control("POST", "token/1002/reset")
    assert "access_token" in await zalo.form(REFRESH)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def _consent(zalo, **form):
    url = f"{zalo.sim.url}/v4/oa/permission"
    async with zalo.http.post(url, data=form, allow_redirects=False) as reply:
        assert reply.status == 302, await reply.text()
        return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


async def test_consent_gives_a_code_for_one_exchange_with_its_verifier(zalo):
    form = {"app_id": "11", "oa_id": "1002", "redirect_uri": "https://govchat.vn/cb?a=1", "state": "s1"}
    back = await _consent(zalo, **form, code_challenge=_challenge("v" * 43))
    assert (back["oa_id"], back["state"], back["a"]) == ("1002", "s1", "1")
    exchange = {"app_id": "11", "grant_type": "authorization_code", "code": back["code"]}
    assert (await zalo.form({**exchange, "code_verifier": "w" * 43}))["error"] == -14024
    back = await _consent(zalo, **form, code_challenge=_challenge("v" * 43))
    exchange["code"] = back["code"]
    good = await zalo.form({**exchange, "code_verifier": "v" * 43})
    assert (await zalo.get("/v2.0/oa/getoa", token=good["access_token"]))["data"]["oaid"] == "1002"
    assert (await zalo.form({**exchange, "code_verifier": "v" * 43}))["error"] == -14024
    assert (await zalo.form(REFRESH))["error"] == -14020, "a consent ends what was granted before"
    back = await _consent(zalo, **form)
    with clock.shifted(timedelta(minutes=11)):
        assert (await zalo.form({**exchange, "code": back["code"]}))["error"] == -14024


async def test_the_consent_page_names_the_oas_of_its_app_only(zalo):
    async def page(**query):
        async with zalo.http.get(f"{zalo.sim.url}/v4/oa/permission", params=query) as reply:
            return await reply.text()

    shown = await page(app_id="11", redirect_uri="https://govchat.vn/cb", state='"><script>')
    assert "Tỉnh An Giang" in shown
    assert "Tỉnh Cà Mau" not in shown
    assert "<script>" not in shown
    assert "-14003" in await page(app_id="22", redirect_uri="https://elsewhere.vn/cb")
    assert "-14002" in await page(app_id="33", redirect_uri="https://govchat.vn/cb")


async def test_tokens_people_and_words_survive_a_restart(make_world, http, zalo_of, tmp_path: Path):
    path = tmp_path / "zalo.json"
    async with await server.start(make_world(), state_path=path) as sim:
        zalo = zalo_of(sim, http)
        pair = await zalo.form(REFRESH)
        await sim.follow("bac-ninh", "u9")
        await sim.send_image("bac-ninh", "u9", b"picture")
        await zalo.cs({"text": "chào"}, "u9", pair["access_token"])
        sim.world.seed("1002", 5)
    async with await server.start(make_world(), state_path=path) as sim:
        zalo = zalo_of(sim, http)
        assert (await zalo.cs({"text": "lại chào"}, "u9", pair["access_token"]))["error"] == 0
        assert (await zalo.cs({"text": "chào"}, "dev-bac-ninh-5", pair["access_token"]))["error"] == 0
        said = sim.world.messages("1002", "u9")
        assert [message.text for message in said] == ["", "chào", "lại chào"]
        async with http.get(f"{sim.url}/_files/{said[0].payload['url'].rsplit('/', 1)[1]}") as reply:
            assert await reply.read() == b"picture"
        assert (await zalo.form(REFRESH))["error"] == -14020
        assert "access_token" in await refresh(zalo, pair["refresh_token"])


async def test_a_rotation_is_on_disk_before_it_is_answered(make_world, http, zalo_of, tmp_path: Path):
    path = tmp_path / "zalo.json"
    async with await server.start(make_world(), state_path=path) as sim:
        await zalo_of(sim, http).form(REFRESH)
        killed = path.read_bytes()  # what a killed process leaves behind
    path.write_bytes(killed)
    async with await server.start(make_world(), state_path=path) as sim:
        assert (await zalo_of(sim, http).form(REFRESH))["error"] == -14020


async def test_with_its_memory_lost_each_token_still_works_once(make_world, http, zalo_of):
    async with await server.start(make_world()) as sim:
        zalo = zalo_of(sim, http)
        pair = await refresh(zalo, (await zalo.form(REFRESH))["refresh_token"])
    async with await server.start(make_world()) as sim:
        zalo = zalo_of(sim, http)
        assert (await zalo.get("/v2.0/oa/getoa", token=pair["access_token"]))["error"] == 0
        assert "access_token" in await zalo.form(REFRESH)
        assert (await zalo.get("/v2.0/oa/getoa", token=pair["access_token"]))["error"] == -216
        newest = await refresh(zalo, pair["refresh_token"])
        assert "access_token" in newest
        assert (await refresh(zalo, pair["refresh_token"]))["error"] == -14020
        assert "access_token" in await refresh(zalo, newest["refresh_token"])
