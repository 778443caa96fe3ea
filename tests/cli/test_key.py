"""`govchat key`: a key is printed once, works with its scopes, and no longer after it was revoked."""

import pytest

from govchat.access.keys import SCOPES, Unauthenticated
from govchat.access.recognise import Doorman
from govchat.db.session import Database
from govchat.kit.ids import tenant_id_for

TENANT = tenant_id_for("dong-nai")


@pytest.fixture
async def recognised(own_settings):
    """Who holds a key, as the API would find."""
    db = Database.connect(own_settings.database_url, part="test")

    async def who(key):
        return await Doorman(db).recognise(TENANT, key)

    yield who
    await db.close()


async def test_a_key_is_made_with_its_scopes_and_printed_once(cli, recognised):
    said = await cli(
        "key", "create", "--tenant", "dong-nai", "--scope", "dossiers:write", "--scope", "dossiers:read", "--json"
    )
    made = said.json
    assert made.keys() == {"key", "prefix", "tenant", "scopes", "mode"}
    assert made["key"].startswith(made["prefix"])
    assert made["key"].startswith("gvc_live_")
    assert (made["tenant"], made["mode"]) == ("dong-nai", "live")
    assert made["scopes"] == ["dossiers:read", "dossiers:write"]
    assert (await recognised(made["key"])).scopes == {"dossiers:read", "dossiers:write"}
    for words in ((), ("--json",)):
        listed = await cli("key", "list", "--tenant", "dong-nai", *words)
        assert made["prefix"] in listed.out
        assert made["key"] not in listed.everything


async def test_the_key_alone_stands_on_standard_output(cli, recognised):
    said = await cli("key", "create", "--tenant", "dong-nai", "--scope", "dossiers:write", "--test")
    assert said.out.startswith("gvc_test_")
    assert (await recognised(said.out.strip())).mode == "test"


async def test_keys_are_listed_with_use_and_end(cli, recognised):
    assert (await cli("key", "list", "--tenant", "dong-nai", "--json")).json == []
    assert "key create" in (await cli("key", "list", "--tenant", "dong-nai")).out
    made = (await cli("key", "create", "--tenant", "dong-nai", "--scope", "messages:read", "--json")).json
    (before,) = (await cli("key", "list", "--tenant", "dong-nai", "--json")).json
    assert before.keys() == {"prefix", "scopes", "mode", "created_at", "last_used_at", "revoked_at"}
    assert (before["last_used_at"], before["revoked_at"]) == (None, None)
    await recognised(made["key"])
    (used,) = (await cli("key", "list", "--tenant", "dong-nai", "--json")).json
    assert used["last_used_at"]
    assert (await cli("key", "list", "--tenant", "hue", "--json")).json == []


@pytest.mark.parametrize("named_by", ["prefix", "key"])
async def test_a_revoked_key_is_refused_and_stays_listed(cli, recognised, named_by):
    made = (await cli("key", "create", "--tenant", "dong-nai", "--scope", "dossiers:read", "--json")).json
    other = (await cli("key", "create", "--tenant", "dong-nai", "--scope", "dossiers:read", "--json")).json
    said = await cli("key", "revoke", "--tenant", "dong-nai", made[named_by])
    assert (said.status, said.out) == (0, "đã thu hồi: từ giờ API từ chối khóa này\n")
    with pytest.raises(Unauthenticated):
        await recognised(made["key"])
    await recognised(other["key"])
    ended = {
        each["prefix"]: each["revoked_at"] for each in (await cli("key", "list", "--tenant", "dong-nai", "--json")).json
    }
    assert ended[made["prefix"]]
    assert ended[other["prefix"]] is None
    assert "từ trước" in (await cli("key", "revoke", "--tenant", "dong-nai", made["prefix"])).out


async def test_a_key_is_revoked_in_its_own_tenant_alone(cli, recognised):
    made = (await cli("key", "create", "--tenant", "dong-nai", "--scope", "dossiers:read", "--json")).json
    said = await cli("key", "revoke", "--tenant", "hue", made["key"])
    assert said.status == 1
    assert made["prefix"] in said.refusal
    assert made["key"] not in said.everything
    await recognised(made["key"])


async def test_an_unknown_scope_is_refused_with_those_that_exist(cli):
    said = await cli("key", "create", "--tenant", "dong-nai", "--scope", "dossiers:burn")
    assert said.status == 1
    assert 'scope "dossiers:burn" does not exist' in said.refusal
    assert (await cli("key", "list", "--tenant", "dong-nai", "--json")).json == []


async def test_a_key_needs_a_scope_and_a_tenant(cli):
    assert (await cli("key", "create", "--tenant", "dong-nai")).status == 2
    assert (await cli("key", "create", "--scope", "dossiers:read")).status == 2


async def test_help_names_every_scope(cli):
    words = (await cli("key", "create", "--help")).out.split()
    assert set(SCOPES) <= set(words)
