"""Somebody with the owner's or the superuser's rights changes the trail: `govchat audit verify` names the first broken link."""

import asyncpg
import pytest
from tests.cli.conftest import Said, run
from tests.conftest import TENANTS
from tests.db.clones import clone

from govchat.audit.chain import Entry, digest
from govchat.audit.record import note
from govchat.audit.verify import verify
from govchat.db.session import Database
from govchat.kit.ids import tenant_id_for

ENTRIES = 6
# Each test breaks another province's trail.
SLUGS = iter(sorted(home.name for home in TENANTS.iterdir() if home.is_dir()))


class Trail:
    """A trail of its own with entries "e 1" to "e 6" behind whatever setting up had noted, and the hand that tampers with it."""

    def __init__(self, own, slug: str, start: int) -> None:
        self.own, self.slug, self.tenant, self.start = own, slug, tenant_id_for(slug), start

    async def verify(self, *words: str) -> Said:
        return await run(self.own.settings, "audit", "verify", self.slug, *words)

    async def tamper(self, *statements: str, owner: bool = False) -> None:
        """`{n}` stands for the number before the first of the six."""
        connection = await asyncpg.connect(self.own.owner_url if owner else self.own.admin_url)
        try:
            await connection.execute(f"SELECT set_config('govchat.tenant_id', '{self.tenant}', false)")
            for statement in statements:
                told = await connection.execute(
                    statement.replace("{n}", str(self.start)).replace("{tenant}", f"tenant_id = '{self.tenant}'")
                )
                assert not told.endswith(" 0"), f"nothing was tampered with: {statement}"
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def own(services, settings):
    return await clone(services, settings)


@pytest.fixture
async def trail(own) -> Trail:
    slug = next(SLUGS)
    tenant = tenant_id_for(slug)
    db = Database.connect(own.app_url, part="test", pool_size=1)
    async with db.tenant(tenant) as session:
        start = (await verify(session, tenant)).entries
        for number in range(1, ENTRIES + 1):
            await note(session, tenant, actor="cli:an", act="test.done", subject=f"e {number}", after={"n": number})
    await db.close()
    return Trail(own, slug, start)


async def test_an_untouched_trail_is_unbroken_and_prints_a_link_to_keep(trail):
    said = await trail.verify()
    assert said.status == 0, said.everything
    assert said.out.startswith(
        f"{trail.slug}: {trail.start + ENTRIES} mục, nguyên vẹn; mục cuối là {trail.start + ENTRIES}:"
    )
    head = said.out.split()[-1]
    assert (await trail.verify("--expects", head)).status == 0
    told = (await trail.verify("--json")).json
    assert told == {"tenant": trail.slug, "ok": True, "entries": trail.start + ENTRIES, "head": head, "broken": None}


TAMPERED = {
    "a column was changed": ("UPDATE audit_entries SET actor = 'cli:innocent' WHERE number = {n} + 3 AND {tenant}", 3, "bị sửa"),
    "a value was changed": ("UPDATE audit_entries SET after = '{\"n\": 4}' WHERE number = {n} + 3 AND {tenant}", 3, "bị sửa"),
    "a time was changed": ("UPDATE audit_entries SET at = at - interval '1 us' WHERE number = {n} + 2 AND {tenant}", 2, "bị sửa"),
    "a hash was changed": ("UPDATE audit_entries SET hash = sha256('x') WHERE number = {n} + 5 AND {tenant}", 5, "bị sửa"),
    "an entry was removed": ("DELETE FROM audit_entries WHERE number = {n} + 4 AND {tenant}", 4, "đã bị xóa"),
    "the first was removed": ("DELETE FROM audit_entries WHERE number = 1 AND {tenant}", None, "đã bị xóa"),
    "the end was removed": ("DELETE FROM audit_entries WHERE number > {n} + 4 AND {tenant}", 5, "phần cuối của nhật ký"),
    "all was removed": ("DELETE FROM audit_entries WHERE {tenant}", None, "phần cuối của nhật ký"),
    "the head was turned back": ("UPDATE audit_heads SET number = {n} + 4 WHERE {tenant}", 5, "bị chèn vào"),
    "the head was changed": ("UPDATE audit_heads SET hash = sha256('x') WHERE {tenant}", 6, "dấu cuối nêu một mục cuối khác"),
    "the head was removed": ("DELETE FROM audit_heads WHERE {tenant}", 6, "dấu cuối của nhật ký bị xóa"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
async def test_the_first_broken_link_is_named(trail, name):
    statement, place, why = TAMPERED[name]
    await trail.tamper(statement)
    said = await trail.verify("--json")
    assert said.status == 1
    assert said.json["ok"] is False
    assert said.json["broken"]["number"] == (1 if place is None else trail.start + place)
    assert why in said.json["broken"]["why"]
    plain = await trail.verify()
    assert f"đứt ở mục {said.json['broken']['number']}: " in plain.out


async def test_the_owner_role_is_found_out_too(trail):
    await trail.tamper("UPDATE audit_entries SET subject = 'other' WHERE number = {n} + 1", owner=True)
    said = await trail.verify()
    assert (said.status, f"đứt ở mục {trail.start + 1}:" in said.out) == (1, True)


async def test_two_entries_that_changed_places_are_found_out(trail):
    await trail.tamper(
        "UPDATE audit_entries SET number = 1000 WHERE number = {n} + 2 AND {tenant}",
        "UPDATE audit_entries SET number = {n} + 2 WHERE number = {n} + 3 AND {tenant}",
        "UPDATE audit_entries SET number = {n} + 3 WHERE number = 1000 AND {tenant}",
    )
    assert (await trail.verify("--json")).json["broken"]["number"] == trail.start + 2


async def test_an_entry_forged_with_a_fitting_hash_breaks_the_link_after_it(trail):
    connection = await asyncpg.connect(trail.own.admin_url)
    row = await connection.fetchrow(
        "SELECT * FROM audit_entries WHERE tenant_id = $1 AND number = $2", trail.tenant, trail.start + 3
    )
    forged = Entry(
        **{name: row[name] for name in Entry.__struct_fields__ if name not in ("actor", "before", "after")},
        actor="cli:innocent",
        before=None,
        after={"n": 3},
    )
    await connection.execute(
        "UPDATE audit_entries SET actor = 'cli:innocent', hash = $3 WHERE tenant_id = $1 AND number = $2",
        trail.tenant,
        forged.number,
        digest(forged),
    )
    await connection.close()
    said = await trail.verify("--json")
    assert (said.json["broken"]["number"], "không nối tiếp" in said.json["broken"]["why"]) == (trail.start + 4, True)


async def test_a_trail_cut_with_its_head_is_whole_by_itself_and_found_out_by_a_kept_link(trail):
    kept = (await trail.verify("--json")).json["head"]
    await trail.tamper(
        "DELETE FROM audit_entries WHERE number > {n} + 4 AND {tenant}",
        "UPDATE audit_heads h SET number = e.number, hash = e.hash FROM audit_entries e"
        " WHERE e.tenant_id = h.tenant_id AND e.number = {n} + 4 AND h.{tenant}",
    )
    assert (await trail.verify()).status == 0
    said = await trail.verify("--expects", kept, "--json")
    assert (said.status, said.json["broken"]["number"]) == (1, trail.start + 5)


async def test_a_rewritten_trail_is_found_out_by_a_kept_link(trail):
    number, _, _ = (await trail.verify("--json")).json["head"].partition(":")
    said = await trail.verify("--expects", f"{number}:{'ab' * 32}")
    assert said.status == 1
    assert f"đứt ở mục {number}: mục này không phải mục đã ghi lại ở nơi khác" in said.out


@pytest.mark.parametrize("link", ["", "7", "x:00", "7:12zz", f"0:{'00' * 32}", "7:1234"])
async def test_what_is_no_link_is_refused_with_the_form(trail, link):
    said = await trail.verify("--expects", link)
    assert said.status == 1
    assert "cần SỐ:MÃ_BĂM" in said.refusal


async def test_show_prints_the_newest_entries(trail):
    said = await run(trail.own.settings, "audit", "show", trail.slug, "--last", "2")
    assert said.status == 0
    first, value, second, _ = said.out.splitlines()
    assert first.endswith("cli:an  test.done  e 5")
    assert value.strip() == 'after: {"n":5}'
    assert second.endswith("e 6")
    told = (await run(trail.own.settings, "audit", "show", trail.slug, "--json", "--last", "1")).json
    assert [each["subject"] for each in told] == ["e 6"]
    unknown = await run(trail.own.settings, "audit", "verify", "nowhere")
    assert (unknown.status, "govchat tenant list" in unknown.refusal) == (1, True)
