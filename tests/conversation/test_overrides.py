"""A province's own words: refused when a citizen would meet a hole, versioned, audited, heard without a restart, kept from files."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.conversation.test_step import ABOUT, CONTEXT, HAPPENED, STOOD, TYPED
from tests.journeys.stage import own
from tests.stack import Services

from govchat.citizens.consent import evidence_of, give, text_of, withdraw
from govchat.citizens.know import know
from govchat.conversation import engine, events, overrides, payloads, wording_file
from govchat.conversation.context import Context
from govchat.conversation.facts import facts_of
from govchat.conversation.overrides import Edit, WordingRefused, Wordings, edits, history, set_wording, wording_of
from govchat.conversation.replay_tenants import TENANTS
from govchat.conversation.say import Say
from govchat.conversation.state import FRESH
from govchat.conversation.step import step
from govchat.conversation.wording import KEYS, LONGEST_BUTTON, Wording, longest_of, spoken_in, vietnamese, words
from govchat.conversation.wording_flaws import flaw_of
from govchat.conversation.wording_part import WORDING
from govchat.conversation.wording_preview import preview
from govchat.db.session import Database
from govchat.errors import ConfigurationError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import tenant_id_for
from govchat.ratings import scale
from govchat.tenants.apply import apply_all
from govchat.tenants.manifest import read_all
from govchat.tenants.registry import Registry
from govchat.zalo import messages

GREETING = "Kính chào anh/chị, xin mời chọn một mục."


@pytest.fixture(scope="module")
async def db(services: Services, redis_url: str) -> AsyncIterator[Database]:
    settings = await own(services, redis_url)
    database = Database.connect(settings.database_url, part="test", pool_size=4)
    yield database
    await database.close()


def edit(key: str, said: str | None) -> Edit:
    return Edit(key=key, version=1, text=said, source="admin", edited_by="cli:an", edited_at=clock.now())


def test_every_sentence_of_the_product_would_be_accepted() -> None:
    for key, said in vietnamese().texts.items():
        assert flaw_of(key, said) is None, key


@pytest.mark.parametrize(
    ("key", "said", "why"),
    [
        ("front.welcome", "Xin chào {province}", "thiếu chỗ điền {example}"),
        ("front.welcome", "Xin chào {provnce} {example}", "không biết chỗ điền {provnce}"),
        ("front.greeting", "Xin chào {province}", "câu này không có chỗ điền nào"),
        ("dossier.head", "Hồ sơ {code.__class__}", "không biết chỗ điền"),
        ("dossier.head", "Hồ sơ {code!r}", "bỏ phần sau dấu"),
        ("dossier.head", "Hồ sơ {code:>99999999}", "bỏ phần sau dấu"),
        ("dossier.head", "Hồ sơ {code", "dấu ngoặc nhọn không khớp"),
        ("dossier.head", "Hồ sơ {} {code}", "không biết chỗ điền"),
        ("front.greeting", " \n ", "cần một câu"),
        ("front.greeting", "a" * 701, "câu dài 701 ký tự"),
        ("button.help", "a" * 101, "câu dài 101 ký tự"),
        ("button.help", "a\nb", "một dòng"),
        ("front.greeting", "Bă\u0300ng", "NFD"),
        ("front.greeting", "Xin\u200bchào", "không nhìn thấy"),
        ("front.nothing", "Xin chào", "không có trong sản phẩm"),
    ],
)
def test_a_sentence_with_a_flaw_is_refused_with_the_reason(key: str, said: str, why: str) -> None:
    assert why in str(flaw_of(key, said))


@given(st.sampled_from(sorted(KEYS)), st.text(max_size=60))
def test_what_is_accepted_can_always_be_said(key: str, said: str) -> None:
    if flaw_of(key, said) is None:
        said.format(**dict.fromkeys(KEYS[key], "x"))


async def test_an_edit_is_a_version_noted_and_heard_by_running_processes(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id = tenant_id_for("da-nang")
    heard = Wordings()
    monkeypatch.setattr(overrides, "RELOAD_S", 0.0)
    async with db.tenant(tenant_id) as session:
        assert (await heard.of(session, tenant_id))("front.greeting") == vietnamese()("front.greeting")
        assert await set_wording(session, tenant_id, "front.greeting", f"  {GREETING}\n", actor="cli:an")
        assert not await set_wording(session, tenant_id, "front.greeting", GREETING, actor="cli:an")
    async with db.tenant(tenant_id) as session:
        wording = await heard.of(session, tenant_id)
        with spoken_in(wording):
            assert words("front.greeting") == GREETING
            assert words("button.help") == vietnamese()("button.help")
        assert words("front.greeting") == vietnamese()("front.greeting")
        assert await set_wording(session, tenant_id, "front.greeting", None, actor="cli:binh")
        assert [
            (each.version, each.text, each.edited_by) for each in await history(session, tenant_id, "front.greeting")
        ] == [
            (2, None, "cli:binh"),
            (1, GREETING, "cli:an"),
        ]
        noted = await session.execute(
            text("SELECT actor, before, after FROM audit_entries WHERE act = 'wording.set' ORDER BY number")
        )
        assert [tuple(row) for row in noted] == [("cli:an", None, GREETING), ("cli:binh", GREETING, None)]
    async with db.tenant(tenant_id_for("hue")) as session:
        assert await edits(session, tenant_id_for("hue")) == {}


async def test_a_refused_sentence_leaves_nothing_behind(db: Database) -> None:
    tenant_id = tenant_id_for("can-tho")
    async with db.tenant(tenant_id) as session:
        with pytest.raises(WordingRefused, match=r"thiếu chỗ điền \{code\}"):
            await set_wording(session, tenant_id, "dossier.head", "Hồ sơ", actor="cli:an")
        with pytest.raises(WordingRefused, match=r'có phải ý là "front\.greeting"'):
            await set_wording(session, tenant_id, "front.greting", "Xin chào", actor="cli:an")
        assert await edits(session, tenant_id) == {}


async def test_a_version_is_never_changed(db: Database) -> None:
    tenant_id = tenant_id_for("lam-dong")
    async with db.tenant(tenant_id) as session:
        await set_wording(session, tenant_id, "front.greeting", GREETING, actor="cli:an")
    for statement in ("UPDATE tenant_wordings SET text = 'x'", "DELETE FROM tenant_wordings"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with db.tenant(tenant_id) as session:
                await session.execute(text(statement))


def test_a_sentence_that_the_product_outgrew_is_left_out() -> None:
    stale = {"dossier.head": edit("dossier.head", "Hồ sơ {number}"), "gone.key": edit("gone.key", "x")}
    assert wording_of(UUID(int=1), stale).texts == vietnamese().texts


async def test_a_preview_is_filled_with_the_provinces_own_facts(registry: Registry) -> None:
    facts = facts_of(registry.by_slug("hue"), registry.now, clock.now().date())
    shown = preview(facts, vietnamese(), "front.welcome")
    assert "thành phố Huế" in shown
    assert "H57.12-" in shown
    assert preview(facts, vietnamese(), "dossier.head", "Mã {code}").startswith("Mã H57.12-")
    for key in KEYS:
        assert "{" not in preview(facts, vietnamese(), key)
    with pytest.raises(WordingRefused, match="thiếu chỗ điền"):
        preview(facts, vietnamese(), "dossier.head", "Mã")


FILE = '[front]\ngreeting = "Câu của tệp."\nmenu = "Mời chọn."\n'


async def bring(
    session: AsyncSession, tenant_id: UUID, path: Path, *, overwrite: bool = False
) -> tuple[set[str], set[str]]:
    told = await WORDING.bring(session, tenant_id, path, actor="cli:an", overwrite=overwrite, write=False)
    done = await WORDING.bring(session, tenant_id, path, actor="cli:an", overwrite=overwrite, write=True)
    assert told == done
    return {each.field for each in done.changes}, {each.field for each in done.kept}


async def test_a_file_never_overwrites_an_admin_until_it_is_told_to_or_says_the_same(
    db: Database, tmp_path: Path
) -> None:
    tenant_id = tenant_id_for("an-giang")
    path = tmp_path / "wording.toml"
    path.write_text(FILE, encoding="utf-8")
    async with db.tenant(tenant_id) as session:
        assert await bring(session, tenant_id, path) == ({"wording.front.greeting", "wording.front.menu"}, set())
        assert await bring(session, tenant_id, path) == (set(), set())
        await set_wording(session, tenant_id, "front.greeting", GREETING, actor="cli:admin")
        assert await bring(session, tenant_id, path) == (set(), {"wording.front.greeting"})
        path.write_text(FILE.replace("Mời chọn.", "Mời anh/chị chọn."), encoding="utf-8")
        assert await bring(session, tenant_id, path) == ({"wording.front.menu"}, {"wording.front.greeting"})

        exported = await WORDING.export(session, tenant_id, path)
        assert exported is not None
        path.write_text(exported, encoding="utf-8")
        assert await WORDING.export(session, tenant_id, path) is None
        assert await bring(session, tenant_id, path) == (set(), set())
        path.write_text(exported.replace(GREETING, "Câu mới."), encoding="utf-8")
        assert await bring(session, tenant_id, path) == ({"wording.front.greeting"}, set())

        await set_wording(session, tenant_id, "front.thanks", "Cảm ơn.", actor="cli:admin")
        assert await bring(session, tenant_id, path) == (set(), set())
        assert await bring(session, tenant_id, path, overwrite=True) == ({"wording.front.thanks"}, set())
        path.write_text("", encoding="utf-8")
        assert await bring(session, tenant_id, path) == ({"wording.front.greeting", "wording.front.menu"}, set())
        assert wording_of(tenant_id, await edits(session, tenant_id)).texts == vietnamese().texts


async def test_what_waits_in_the_file_is_not_lost_by_an_export(db: Database, tmp_path: Path) -> None:
    tenant_id = tenant_id_for("ca-mau")
    path = tmp_path / "wording.toml"
    path.write_text(FILE, encoding="utf-8")
    async with db.tenant(tenant_id) as session:
        await set_wording(session, tenant_id, "front.help", 'Cách tra cứu:\n1. Nhắn "{example}"', actor="cli:admin")
        exported = await WORDING.export(session, tenant_id, path)
    assert exported is not None
    path.write_text(exported, encoding="utf-8")
    texts, findings = wording_file.read_wordings(path)
    assert findings == []
    assert set(texts) == {"front.greeting", "front.menu", "front.help"}
    assert texts["front.help"] == 'Cách tra cứu:\n1. Nhắn "{example}"'


async def test_a_mistake_in_one_file_stops_all_tenants_before_the_first_write(
    registry: Registry, tmp_path: Path
) -> None:
    book = read_all(registry.settings.tenants_dir)
    chosen = [manifest for manifest in book.manifests if manifest.slug in ("bac-ninh", "vinh-long")]
    for manifest, said in zip(chosen, ("Mời chọn.", "Mời {chọn}."), strict=True):
        (tmp_path / manifest.slug).mkdir()
        (tmp_path / manifest.slug / "wording.toml").write_text(f'[front]\nmenu = "{said}"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"vinh-long/wording\.toml:2"):
        await apply_all(registry.db, registry.vault, registry.settings, chosen, folder=tmp_path, parts=(WORDING,))
    async with registry.db.tenant(tenant_id_for("bac-ninh")) as session:
        assert await edits(session, tenant_id_for("bac-ninh")) == {}


def test_every_mistake_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "wording.toml"
    path.write_text(
        'top = "x"\n[front]\nwelcome = "Chào {province}"\ngreting = "x"\nmenu = 3\nthanks = broken\n', encoding="utf-8"
    )
    found = [(each.line, each.key) for each in wording_file.check(path)]
    assert found == [(1, "top"), (3, "front.welcome"), (4, "front.greting"), (5, "front.menu"), (6, "")]
    assert wording_file.check(tmp_path / "none.toml") == []
    path.write_bytes(b"\xff\xfe")
    assert len(wording_file.check(path)) == 1


@given(
    st.dictionaries(st.sampled_from([key for key in sorted(KEYS) if not KEYS[key]]), st.text(min_size=1, max_size=80))
)
def test_a_written_file_reads_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> None:
    sound = {key: said.strip() for key, said in texts.items() if flaw_of(key, said) is None}
    path = tmp_path_factory.mktemp("written") / "wording.toml"
    path.write_text(wording_file.wording_text(sound, "hue"), encoding="utf-8", newline="\n")
    assert wording_file.read_wordings(path) == (sound, [])


async def test_a_province_says_in_its_own_words_what_other_rooms_say(db: Database) -> None:
    from govchat.kit.phrases import fill, overlaid
    from govchat.tenants.phrases import own_phrases

    tenant_id = tenant_id_for("can-tho")
    own = "Phường trả lời {title} {code}: {note} ({unit}, đến {until})"
    async with db.tenant(tenant_id) as session:
        with pytest.raises(WordingRefused, match="thiếu chỗ điền"):
            await set_wording(session, tenant_id, "petitions.answered", "Xong.", actor="admin:1")
        assert await set_wording(session, tenant_id, "petitions.answered", own, actor="admin:1")
        facts = {"title": "Phản ánh", "code": "PA-1", "note": "Đã vá.", "unit": "UBND", "until": "01/12/2026"}
        with spoken_in(wording_of(tenant_id, await edits(session, tenant_id))):
            assert fill("govchat.petitions", "answered", **facts).startswith("Phường trả lời Phản ánh PA-1: Đã vá.")
        with overlaid(await own_phrases(session, tenant_id, "govchat.petitions")):
            assert fill("govchat.petitions", "answered", **facts).startswith("Phường trả lời")
        assert fill("govchat.petitions", "answered", **facts).startswith("Trả lời Phản ánh")
        assert await own_phrases(session, tenant_id, "govchat.ratings") == {}


async def test_lists_labels_and_consents_are_said_in_a_provinces_own_words_too(db: Database) -> None:
    tenant_id = tenant_id_for("hue")
    own_words = {
        "dossiers.status_4_label": "Đang được giải quyết",
        "petitions.category_traffic": "Đường phố",
        "ratings.reason_late": "Chờ quá lâu",
        "group.birth": "Nhà có em bé",
        "offices.weekday_5": "ngày thứ bảy",
        "procedures.unit_working_day": "ngày làm",
        "citizens.survey": "Anh/chị bằng lòng được hỏi sau khi xong hồ sơ. Muốn thôi thì nhắn: dừng.",
    }
    async with db.tenant(tenant_id) as session:
        for key, said in own_words.items():
            assert await set_wording(session, tenant_id, key, said, actor="cli:an")
    async with db.tenant(tenant_id) as session:
        wording = await Wordings().of(session, tenant_id)
    context = Context(datetime(2026, 11, 22, 2, 0, tzinfo=UTC), TENANTS["dong-nai"])

    def heard(event: events.Event) -> Say:
        (said,) = step(FRESH, event, context).say
        return said

    with spoken_in(wording):
        shown = events.LookedUp((events.Shown(code="H19.12-261103-0007", status=4, unit="Sở"),))
        assert "Tình trạng: Đang được giải quyết." in heard(shown).text
        assert "1. Đường phố" in heard(events.Tapped("#pa categories PA-K7PX2-M9QD8")).text
        assert "Chờ quá lâu" in [each.title for each in scale.reasons_for(1, 3)]
        assert "Nhà có em bé" in [each.title for each in heard(events.Tapped("#events")).buttons]
        assert "Ngày thứ bảy 28/11/2026" in heard(events.Text("thứ 7 có làm không")).text
        assert own_words["citizens.survey"] in heard(events.Text("đồng ý khảo sát")).text
        assert text_of("survey").version.startswith("survey-2+")
    assert text_of("survey").version == "survey-2"
    assert "Đường sá" in heard(events.Tapped("#pa categories PA-K7PX2-M9QD8")).text


async def test_the_evidence_of_a_consent_names_the_words_that_were_read(db: Database) -> None:
    tenant_id, at = tenant_id_for("can-tho"), clock.now()
    said = "Anh/chị bằng lòng được hỏi sau khi xong hồ sơ. Muốn thôi thì nhắn: dừng."
    async with db.tenant(tenant_id) as session:
        assert await set_wording(session, tenant_id, "citizens.survey", said, actor="cli:an")
        citizen = await know(session, tenant_id, "4400550066007700880", by_app=None, interacted_at=at)
    async with db.tenant(tenant_id) as session:
        with spoken_in(await Wordings().of(session, tenant_id)):
            assert await give(session, tenant_id, citizen.id, "survey", how="chat", at=at, evidence="event:1")
        assert await withdraw(session, tenant_id, citizen.id, "survey", how="chat", at=clock.now(), evidence="event:2")
    async with db.tenant(tenant_id) as session:
        given, withdrawn = await evidence_of(session, tenant_id, citizen.id)
    assert given.text_version == f"survey-2+{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    assert (withdrawn.state, withdrawn.evidence) == ("withdrawn", "event:2")


def longest(key: str) -> str:
    """A sentence as long as a province may write it."""
    places = " ".join(f"{{{name}}}" for name in sorted(KEYS[key]))
    filler = "Ướ. " if longest_of(key) > LONGEST_BUTTON else "Ướ "
    said = (filler * 300)[: longest_of(key) - len(places) - 1].rstrip()
    return f"{said} {places}".strip()


def test_words_as_long_as_a_province_may_write_them_can_always_be_sent() -> None:
    vault = TenantVault("t", b"k" * 32)
    wording = Wording({key: longest(key) for key in KEYS})
    assert all(flaw_of(key, said) is None for key, said in wording.texts.items())
    tapped = [f"{head} {about}".strip() for head in payloads.HEARD for about in ABOUT]
    said = 0
    with spoken_in(wording):
        for state in (STOOD["new"], STOOD["a topic and choices"]):
            for event in [*HAPPENED, *map(events.Tapped, tapped), *map(events.Text, TYPED)]:
                talk = engine.talk(
                    state, event, CONTEXT, vault=vault, user_id="1", assets_url="https://hue.example/assets"
                )
                try:
                    next(talk)
                except StopIteration as ended:
                    for message in ended.value.messages:
                        said += 1
                        assert len(message.plain_text) <= messages.TEXT_LIMIT
                        assert len(message.buttons) <= messages.BUTTON_LIMIT
                        assert messages.encode(message)
    assert said > 200
