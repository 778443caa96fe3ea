"""Words of notices and uses of templates as files beside the manifest: checked by line, admins' edits kept, written back."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from tests.journeys.stage import own
from tests.stack import Services

from govchat.db.session import Database
from govchat.kit.ids import tenant_id_for
from govchat.notices import templates_part, words_part
from govchat.notices.kinds import Kind
from govchat.notices.reword import current, save
from govchat.notices.templates import map_template, take_in, templates_of
from govchat.notices.templates_part import TEMPLATES
from govchat.notices.wording import shipped_texts
from govchat.notices.words_part import NOTICES
from govchat.tenants.parts import Brought, Part
from govchat.zalo.templates import Param, TemplateInfo, TemplateQuota

TENANT = tenant_id_for("hue")
WORDS = "Hồ sơ {code}\nNơi: {unit}\nNgười: {officer}\nNhận: {received}\nHẹn: {due}\nLúc: {changed}"
PARAMS = (Param("ma_ho_so", "CODE", 30), Param("muc_nay", "CUSTOM_LABEL", 30))
INFOS = [
    TemplateInfo(template_id=each, name="Hồ sơ", status="ENABLE", tag="TRANSACTION", params=PARAMS, price_uid=300)
    for each in ("310009", "310010")
]


@pytest.fixture(scope="module")
async def db(services: Services, redis_url: str) -> AsyncIterator[Database]:
    settings = await own(services, redis_url)
    database = Database.connect(settings.database_url, part="test", pool_size=4)
    yield database
    await database.close()


async def bring(db: Database, part: Part, path: Path, *, overwrite: bool = False) -> Brought:
    async with db.tenant(TENANT) as session:
        planned = await part.bring(session, TENANT, path, actor="", overwrite=overwrite, write=False)
    async with db.tenant(TENANT) as session:
        done = await part.bring(session, TENANT, path, actor="cli:an", overwrite=overwrite, write=True)
    assert planned == done
    return done


async def export(db: Database, part: Part, path: Path) -> str | None:
    async with db.tenant(TENANT) as session:
        return await part.export(session, TENANT, path)


def put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def words_now(db: Database) -> str:
    async with db.tenant(TENANT) as session:
        return (await current(session, TENANT))[Kind.MOVED][1]


async def test_words_that_an_admin_saved_are_kept_exported_and_then_the_files(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "notices.toml"
    put(path, f'moved = """\n{WORDS}"""\n')
    assert [change.after for change in (await bring(db, NOTICES, path)).changes] == [WORDS]
    assert await bring(db, NOTICES, path) == Brought()
    async with db.tenant(TENANT) as session:
        await save(session, TENANT, Kind.MOVED, f"{WORDS}\nCảm ơn.", actor="cli:admin")
    done = await bring(db, NOTICES, path)
    assert (done.changes, [each.field for each in done.kept]) == ((), ["notices.moved"])
    assert await words_now(db) == f"{WORDS}\nCảm ơn."
    written = await export(db, NOTICES, path)
    assert written is not None
    put(path, written)
    assert await export(db, NOTICES, path) is None
    assert await bring(db, NOTICES, path) == Brought()
    put(path, written.replace("Cảm ơn.", "Trân trọng."))
    assert len((await bring(db, NOTICES, path)).changes) == 1
    put(path, "")
    await bring(db, NOTICES, path)
    assert await words_now(db) == shipped_texts()[Kind.MOVED]


async def uses(db: Database, tenant: UUID = TENANT) -> dict[str, list[str]]:
    async with db.tenant(tenant) as session:
        return {each.template_id: each.kinds for each in await templates_of(session, tenant) if each.kinds}


async def test_a_use_waits_for_zalo_to_tell_of_its_template_and_an_admins_is_kept(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "templates.toml"
    put(path, '[any]\ntemplate_id = "310009"\n[any.fields]\nmuc_nay = "note"\n')
    (waiting,) = (await bring(db, TEMPLATES, path)).waiting
    assert "govchat template sync" in waiting.why
    async with db.tenant(TENANT) as session:
        await take_in(session, TENANT, INFOS, TemplateQuota(500, 500))
    done = await bring(db, TEMPLATES, path)
    assert [(each.field, each.after) for each in done.changes] == [
        ("templates.any.template_id", "310009"),
        ("templates.any.fields", {"ma_ho_so": "code", "muc_nay": "note"}),
    ]
    assert await bring(db, TEMPLATES, path) == Brought()
    async with db.tenant(TENANT) as session:
        await map_template(session, TENANT, Kind.READY, "310010", {"muc_nay": "results"}, actor="cli:admin")
        await map_template(session, TENANT, None, "310010", {"muc_nay": "unit"}, actor="cli:admin")
    assert len((await bring(db, TEMPLATES, path)).kept) == 2
    assert await uses(db) == {"310010": ["any", "ready"]}
    written = await export(db, TEMPLATES, path)
    assert written is not None
    put(path, written)
    assert await export(db, TEMPLATES, path) is None
    assert await bring(db, TEMPLATES, path) == Brought()
    put(path, '[ready]\ntemplate_id = "310009"\n[ready.fields]\nmuc_nay = "results"\n')
    assert len((await bring(db, TEMPLATES, path)).changes) == 2
    assert await uses(db) == {"310009": ["ready"]}
    put(path, '[ready]\ntemplate_id = "310009"\n')
    (waiting,) = (await bring(db, TEMPLATES, path)).waiting
    assert "muc_nay" in waiting.why


def test_every_mistake_has_its_line_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "notices.toml"
    put(path, f'redy = "x"\nready = 1\nmoved = """\n{WORDS}"""\nregistered = "Hồ sơ {{code}}"\n')
    told = [str(each).removeprefix(path.as_posix()) for each in words_part.check(path)]
    assert [each.partition(" ")[0] for each in told] == [":1", ":2", ":10"]
    assert "có phải ý là ready?" in told[0]
    assert "trong dấu ngoặc kép" in told[1]
    assert "thiếu {changed}" in told[2]
    path = tmp_path / "templates.toml"
    put(
        path,
        'ready = 1\n[party]\ntemplate_id = "1"\n[any]\ntemplate_id = 310009\nkind = 1\n[any.fields]\nten = "name"\n',
    )
    told = [str(each).removeprefix(path.as_posix()) for each in templates_part.check(path)]
    assert [each.partition(" ")[0] for each in told] == [":1", ":2", ":5", ":6", ":8"]
    assert '"applicant"' in told[-1]
