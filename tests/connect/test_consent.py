"""`tenant connect` to a working token: one link, one administrator, one Official Account, and a page that says what to do otherwise."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import text
from tests.cli.conftest import run
from tests.connect.conftest import Ground

from govchat.connect import consent
from govchat.connect.consent import NotConnectable, begin
from govchat.connect.keep import keep_token
from govchat.kit import clock
from govchat.simulator.faults import Fault
from govchat.zalo.oauth import challenge_of


async def link(ground: Ground, slug: str) -> str:
    made = await begin(ground.house.registry, ground.tenant(slug), admin="Quản trị viên Hà", actor="cli:test")
    return made.url


async def consent_at_zalo(ground: Ground, url: str, oa_id: str, **more: str) -> str:
    """What the administrator's browser does; answers where Zalo leads it."""
    async with ground.house.http.get(url) as page:
        assert page.status == 200
        assert oa_id in await page.text()
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    form = query | {"oa_id": oa_id} | more
    async with ground.house.http.post(url.partition("?")[0], data=form, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        return answer.headers["Location"]


async def come_back(ground: Ground, address: str) -> tuple[int, str]:
    async with ground.house.http.get(address) as answer:
        assert answer.content_type == "text/html"
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, re.sub(r"<[^>]+>", "", (await answer.text()).partition("<main>")[2])


async def test_a_consent_ends_in_a_working_token_and_heals_what_was_wrong(ground: Ground) -> None:
    slug = "an-giang"
    ground.world.tokens.revoke(ground.tenant(slug).oa_id)
    await keep_token(ground.hands, ground.tenant(slug))
    assert (await ground.credential(slug)).state == "needs_reconsent"
    address = await consent_at_zalo(ground, await link(ground, slug), ground.tenant(slug).oa_id)
    status, said = await come_back(ground, address)
    assert status == 200
    assert "Quản trị viên Hà" in said
    assert ground.tenant(slug).oa_id in said
    row = await ground.credential(slug)
    assert (row.state, row.refusal, row.app_id) == ("ok", None, ground.tenant(slug).app.app_id)
    access = await ground.fresh_credentials().access(ground.tenant(slug))
    assert await ground.works(access.token, slug)
    # The same address again, as a browser's back button sends it: nothing changes.
    status, said = await come_back(ground, address)
    assert status == 400
    assert "chỉ dùng một lần" in said
    assert (await ground.credential(slug)).generation == row.generation
    ended = await ground.ask(slug, "SELECT outcome, verifier_sealed FROM oa_consents")
    assert [tuple(one) for one in ended] == [("connected", None)]


async def test_the_official_account_is_checked_in_the_callback_and_at_zalo(ground: Ground) -> None:
    slug, other = "dien-bien", "lai-chau"  # both on one app: the administrator may pick the wrong one
    before = await ground.credential(slug)
    status, said = await come_back(
        ground, await consent_at_zalo(ground, await link(ground, slug), ground.tenant(other).oa_id)
    )
    assert status == 400
    assert ground.tenant(other).oa_id in said
    assert ground.tenant(slug).oa_id in said
    assert "tenant.toml" in said
    # The callback names the right one, the code is the other's: Zalo itself tells.
    address = await consent_at_zalo(ground, await link(ground, slug), ground.tenant(other).oa_id)
    forged = address.replace(f"oa_id={ground.tenant(other).oa_id}", f"oa_id={ground.tenant(slug).oa_id}")
    status, said = await come_back(ground, forged)
    assert status == 400
    assert f"Zalo cấp quyền của Official Account {ground.tenant(other).oa_id}" in said
    assert await ground.credential(slug) == before
    outcomes = await ground.ask(slug, "SELECT outcome, told FROM oa_consents")
    assert {one.outcome for one in outcomes} == {"refused"}


async def test_a_state_that_was_bent_or_made_elsewhere_opens_nothing(ground: Ground) -> None:
    slug = "ca-mau"
    address = await consent_at_zalo(ground, await link(ground, slug), ground.tenant(slug).oa_id)
    query = parse_qs(urlsplit(address).query)
    state = query["state"][0]
    bent = [
        state[:60] + ("A" if state[60] != "A" else "B") + state[61:],
        state[:10] + "AAAA" + state[14:],
        "",
        "x",
        state * 2,
        "é",
    ]
    for one in bent:
        fields = {"oa_id": query["oa_id"][0], "code": query["code"][0], "state": one}
        status, said = await come_back(ground, f"{address.partition('?')[0]}?{urlencode(fields)}")
        assert status == 400, one
        assert "không phải do hệ thống này tạo ra" in said
    # One that another administrator's name was put to.
    await ground.ask(slug, "UPDATE oa_consents SET admin = 'Người khác' WHERE tenant_id = :tenant")
    status, said = await come_back(ground, address)
    assert status == 400
    assert "không được lập cho quản trị viên này" in said
    assert (await ground.credential(slug)).generation == 0


async def test_a_link_of_yesterday_and_a_refusal_are_told_as_such(ground: Ground) -> None:
    slug = "dong-nai"
    late = await consent_at_zalo(ground, await link(ground, slug), ground.tenant(slug).oa_id)
    with clock.shifted(timedelta(hours=25)):
        status, said = await come_back(ground, late)
    assert status == 400
    assert "đã hết hạn" in said
    refused = await consent_at_zalo(ground, await link(ground, slug), ground.tenant(slug).oa_id, refused="1")
    status, said = await come_back(ground, refused)
    assert status == 400
    assert "từ chối hoặc bị hủy" in said
    assert "govchat tenant connect dong-nai" in said


async def test_zalo_that_fails_in_the_middle_gets_a_page_not_a_stack(ground: Ground) -> None:
    slug = "gia-lai"
    for fault, expected in (
        (Fault(kind="reply_lost", call="token", count=1), "không trả lời khi đổi mã"),
        (Fault(kind="error", code=-14024, call="token", count=1), "không chấp nhận mã cấp quyền"),
        (Fault(kind="error", code=-14002, call="token", count=1), "không chấp nhận ứng dụng"),
    ):
        address = await consent_at_zalo(ground, await link(ground, slug), ground.tenant(slug).oa_id)
        ground.world.faults.add(fault)
        status, said = await come_back(ground, address)
        ground.world.faults.clear()
        assert (status, expected in said) == (400, True), said
        code = parse_qs(urlsplit(address).query)["code"][0]
        assert code not in said


async def test_pkce_is_per_request_fixed_or_none_as_the_manifest_says(ground: Ground) -> None:
    slug = "lang-son"
    registry, app_id = ground.house.registry, ground.tenant(slug).app.app_id

    async def set_mode(mode: str) -> None:
        async with registry.db.registry() as session:
            await session.execute(
                text("UPDATE zalo_apps SET pkce_mode = :mode, updated_at = clock_timestamp() WHERE app_id = :app"),
                {"mode": mode, "app": app_id},
            )
        await registry.load()

    def challenge(url: str) -> str | None:
        return parse_qs(urlsplit(url).query).get("code_challenge", [None])[0]

    first, second = await link(ground, slug), await link(ground, slug)
    assert challenge(first)
    assert challenge(first) != challenge(second)
    await set_mode("fixed")
    with pytest.raises(NotConnectable, match="pkce-verifier"):
        await link(ground, slug)
    verifier = "fixed-verifier-as-saved-in-the-console-0123456789"
    said = await run(ground.house.settings, "secret", "set", slug, "pkce-verifier", given=verifier)
    assert said.status == 0, said.everything
    await registry.load()
    fixed = await link(ground, slug)
    assert challenge(fixed) == challenge_of(verifier)
    await set_mode("none")
    bare = await link(ground, slug)
    assert challenge(bare) is None
    for mode, url in (("fixed", fixed), ("none", bare)):
        await set_mode(mode)
        address = await consent_at_zalo(ground, url, ground.tenant(slug).oa_id)
        assert (await come_back(ground, address))[0] == 200, mode


async def test_the_command_prints_the_link_and_waits_for_the_outcome(ground: Ground) -> None:
    slug = "hue"
    settings = ground.house.settings
    environ = {"GOVCHAT_ZALO_OAUTH_URL": settings.zalo_oauth_url, "GOVCHAT_PUBLIC_URL": settings.public_url}
    said = await run(settings, "tenant", "connect", slug, "--json", **environ)
    assert said.status == 0, said.everything
    assert said.json["redirect_uri"] == f"{settings.public_url}{consent.CALLBACK}"
    assert said.json["url"].startswith(f"{settings.zalo_oauth_url}/v4/oa/permission?app_id=")
    said = await run(settings, "tenant", "connect", slug, "--wait", "--timeout", "1", **environ)
    assert said.status == 1
    assert "/v4/oa/permission?" in said.out
    assert "chưa có ai cấp quyền" in said.refusal


async def test_a_closed_province_and_a_missing_app_secret_are_refused_at_once(ground: Ground) -> None:
    slug = "quang-ngai"
    registry, tenant = ground.house.registry, ground.tenant("quang-ngai")
    async with registry.db.registry() as session:
        await session.execute(
            text("UPDATE zalo_apps SET app_secret_sealed = NULL, updated_at = clock_timestamp() WHERE app_id = :app"),
            {"app": tenant.app.app_id},
        )
    await registry.load()
    with pytest.raises(NotConnectable, match="app-secret"):
        await link(ground, slug)
    async with registry.db.registry() as session:
        await session.execute(
            text("UPDATE tenants SET state = 'closed', updated_at = clock_timestamp() WHERE slug = :slug"),
            {"slug": slug},
        )
    await registry.load()
    with pytest.raises(NotConnectable, match="đã đóng"):
        await link(ground, slug)


async def test_verification_files_are_served_as_the_console_gave_them(ground: Ground, tmp_path) -> None:  # type: ignore[no-untyped-def]
    settings = ground.house.settings
    file = tmp_path / "zalo_verifierAbC_123-x.html"
    file.write_text('<meta property="zalo-platform-site-verification" content="AbC_123-x" />\n<!-- nguyên văn -->')
    for given in (str(file), "OnlyTheCode99"):
        said = await run(settings, "tenant", "verifier", "add", "an-giang", given)
        assert said.status == 0, said.everything
    async with ground.house.http.get(f"{ground.house.url}/zalo_verifierAbC_123-x.html") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert await answer.text() == file.read_text()
    async with ground.house.http.get(f"{ground.house.url}/zalo_verifierOnlyTheCode99.html") as answer:
        assert 'content="OnlyTheCode99"' in await answer.text()
    for path in ("zalo_verifierunknown.html", "zalo_verifier.html", "nonsense", "zalo_verifierOnlyTheCode99.htm"):
        async with ground.house.http.get(f"{ground.house.url}/{path}") as answer:
            assert answer.status == 404
            assert (await answer.json())["code"] == "not_found"
    wrong = tmp_path / "zalo_verifierzzzz.html"
    wrong.write_text("<html>")
    assert (await run(settings, "tenant", "verifier", "add", "an-giang", str(wrong))).status == 1
    assert (await run(settings, "tenant", "verifier", "add", "an-giang", "a b")).status == 1
    assert "OnlyTheCode99" in (await run(settings, "tenant", "verifier", "list")).out
    assert (await run(settings, "tenant", "verifier", "remove", "an-giang", "OnlyTheCode99")).status == 0
    assert (await run(settings, "tenant", "verifier", "remove", "an-giang", "OnlyTheCode99")).status == 1
    async with ground.house.http.get(f"{ground.house.url}/zalo_verifierOnlyTheCode99.html") as answer:
        assert answer.status == 404
