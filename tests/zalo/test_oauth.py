"""A token pair is whole or it is an error that says what the administrator, or we, must do."""

import base64
import hashlib
import hmac
import socket
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from govchat.zalo import errors, oauth
from govchat.zalo.errors import Kind, OAuthError, ZaloError

SECRET = "the-app-secret"
SPENT = "refresh-token-one"
PAIR = {"access_token": "new-access", "refresh_token": "new-refresh", "expires_in": "90000"}


async def renew(http, stand, token=SPENT, app_secret=SECRET):
    return await oauth.refresh(http, oauth_url=stand.url, app_id="111", app_secret=app_secret, refresh_token=token)


async def first(http, stand, verifier=None):
    return await oauth.exchange_code(
        http, oauth_url=stand.url, app_id="111", app_secret=SECRET, code="c0de-1", code_verifier=verifier
    )


def test_the_consent_address_carries_what_zalo_reads_and_no_more():
    _, challenge = oauth.new_pkce()
    url = oauth.consent_url(
        "https://oauth.zaloapp.com/",
        app_id="111",
        redirect_uri="https://a.vn/oauth?x=1",
        state="s&t",
        code_challenge=challenge,
    )
    parts = urlsplit(url)
    assert url.startswith("https://oauth.zaloapp.com/v4/oa/permission?")
    assert parse_qs(parts.query) == {
        "app_id": ["111"],
        "redirect_uri": ["https://a.vn/oauth?x=1"],
        "state": ["s&t"],
        "code_challenge": [challenge],
    }
    assert "code_challenge" not in oauth.consent_url("https://o", app_id="1", redirect_uri="https://a.vn", state="s")


def test_each_verifier_is_new_and_has_its_s256_challenge():
    pairs = [oauth.new_pkce() for _ in range(20)]
    assert len({verifier for verifier, _ in pairs}) == 20
    for verifier, challenge in pairs:
        assert len(verifier) == 43
        assert base64.urlsafe_b64decode(challenge + "=") == hashlib.sha256(verifier.encode()).digest()
    # RFC 7636, appendix B
    assert (
        oauth.challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_the_proof_is_the_hmac_of_the_token_under_the_app_secret():
    assert oauth.appsecret_proof("k", "token") == hmac.new(b"k", b"token", hashlib.sha256).hexdigest()


async def test_a_code_is_exchanged_as_zalo_wants_it(http, stand):
    stand.says(PAIR | {"refresh_token_expires_in": "7776000"})
    pair = await first(http, stand, "verifier-1")
    assert (stand.last.method, stand.last.path) == ("POST", "/v4/oa/access_token")
    assert stand.last.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert stand.last.headers["secret_key"] == SECRET
    assert parse_qs(stand.last.body.decode()) == {
        "app_id": ["111"],
        "code": ["c0de-1"],
        "grant_type": ["authorization_code"],
        "code_verifier": ["verifier-1"],
    }
    assert (pair.access_token, pair.refresh_token, pair.expires_in_s, pair.refresh_expires_in_s) == (
        *("new-access", "new-refresh", 90000, 7776000),
    )
    await first(http, stand)
    assert "code_verifier" not in parse_qs(stand.last.body.decode())


async def test_a_refresh_is_asked_as_zalo_wants_it(http, stand):
    stand.says(PAIR | {"expires_in": 3600})
    pair = await renew(http, stand)
    assert parse_qs(stand.last.body.decode()) == {
        "app_id": ["111"],
        "refresh_token": [SPENT],
        "grant_type": ["refresh_token"],
    }
    assert (pair.expires_in_s, pair.refresh_expires_in_s) == (3600, None)


@pytest.mark.parametrize("life", [None, "", "soon", "-1", "0", []])
async def test_an_unreadable_life_does_not_lose_the_pair(http, stand, life):
    stand.says(PAIR | {"expires_in": life})
    assert (await renew(http, stand)).expires_in_s == 90_000


def test_a_pair_never_shows_its_tokens():
    pair = oauth.TokenPair("new-access", "new-refresh", 90000)
    assert repr(pair) == str(pair) == "<TokenPair for 90000 s>"


def refused(error=None, **more):
    given = {
        "error": error,
        "error_name": "refused",
        "error_description": "no",
        "ref_doc": "https://developers.zalo.me",
    }
    return {name: value for name, value in (given | more).items() if value is not None}


@pytest.mark.parametrize(
    ("body", "status", "raised"),
    [
        (refused(-14014), 200, errors.RefreshTokenSpent),
        (refused(-14020), 200, errors.RefreshTokenSpent),
        (refused("-118"), 400, errors.RefreshTokenSpent),
        (refused(-14012), 200, errors.NeedsReconsent),
        (refused(-14024), 200, errors.NeedsReconsent),
        (refused(-14999), 200, errors.NeedsReconsent),
        (refused(), 200, errors.NeedsReconsent),
        (refused("invalid_grant"), 400, errors.NeedsReconsent),
        (refused(-14002), 200, errors.ConsoleMisconfigured),
        (refused(-14003), 200, errors.ConsoleMisconfigured),
        (refused(-14029), 200, errors.ConsoleMisconfigured),
        (refused(-14998, error_description="Invalid secret_key"), 200, errors.ConsoleMisconfigured),
        (refused(-32), 200, errors.RefreshReplyLost),
        (refused(-14999), 500, errors.RefreshReplyLost),
        (b"<html>", 502, errors.RefreshReplyLost),
        (b"", 429, errors.RefreshReplyLost),
        (b"", 200, errors.RefreshReplyLost),
        (b"<html>forbidden", 403, errors.RefreshReplyLost),
        ({}, 200, errors.RefreshReplyLost),
        ({"error": 0, "message": "Success"}, 200, errors.RefreshReplyLost),
        (PAIR | {"refresh_token": ""}, 200, errors.RefreshReplyLost),
        (PAIR | {"access_token": None}, 200, errors.RefreshReplyLost),
        ({"data": PAIR}, 200, errors.RefreshReplyLost),
    ],
)
async def test_every_answer_without_a_whole_pair_is_named(http, stand, body, status, raised):
    stand.says(body, status=status)
    with pytest.raises(OAuthError) as caught:
        await renew(http, stand)
    assert type(caught.value) is raised
    assert caught.value.uncertain is (raised is errors.RefreshReplyLost)
    assert not caught.value.retryable
    assert len(stand.seen) == 1


async def test_a_lost_exchange_is_told_from_a_lost_refresh(http, stand):
    async def hang_up(request: web.Request) -> web.StreamResponse:
        request.transport.abort()
        return web.Response()

    stand.answer = hang_up
    with pytest.raises(errors.RefreshReplyLost) as caught:
        await renew(http, stand)
    assert caught.value.kind is Kind.wait
    with pytest.raises(errors.ExchangeReplyLost):
        await first(http, stand)


async def test_a_refresh_that_never_left_keeps_its_token_good(http, stand):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        stand.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(errors.ConnectFailed) as caught:
        await renew(http, stand)
    assert caught.value.retryable


async def test_a_secret_that_can_be_none_is_not_sent(http, stand):
    for unusable in ("", "a\r\nb", "khóa"):
        with pytest.raises(errors.ConsoleMisconfigured):
            await renew(http, stand, app_secret=unusable)
    assert stand.seen == []


async def test_no_token_or_secret_is_in_what_is_logged_of_a_refusal(http, stand):
    stand.says(refused(-14014, error_description=f"token {SPENT} of {SECRET} for 0912345678"))
    with pytest.raises(ZaloError) as caught:
        await renew(http, stand)
    shown = f"{caught.value!s} {caught.value!r} {caught.value.message}"
    for secret in (SPENT, SECRET, "0912345678"):
        assert secret not in shown


async def test_the_client_renews_on_its_oauth_host(client, stand):
    stand.says(PAIR)
    assert (await client.refresh(app_id="111", app_secret=SECRET, refresh_token=SPENT)).access_token == "new-access"
    assert (await client.exchange_code(app_id="111", app_secret=SECRET, code="c")).refresh_token == "new-refresh"
    assert {seen.path for seen in stand.seen} == {"/v4/oa/access_token"}
