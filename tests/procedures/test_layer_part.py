"""A province's own figures as a file: read with the line of each mistake, applied without losing admins' versions, written back."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.journeys.stage import own
from tests.stack import Services

from govchat.db.session import Database
from govchat.errors import ConfigurationError
from govchat.kit.ids import tenant_id_for
from govchat.procedures.book import ALWAYS, Book, Over, today
from govchat.procedures.layer_file import Entry, layer_text, read_layer_file
from govchat.procedures.layer_part import PROCEDURES, Step, steps_for
from govchat.procedures.override import lay_over
from govchat.procedures.patch import NOTHING, Patch
from govchat.procedures.schemas import FeeIn, LimitIn, OverrideIn, VariantIn
from govchat.tenants.parts import Brought
from govchat.tenants.registry import Registry

TENANT = tenant_id_for("hue")
CODE, OTHER = "1.004194", "1.001612"
ON = date(2026, 11, 22)
BEFORE, AFTER = ON - timedelta(days=100), ON + timedelta(days=100)
ONE, TWO, THREE = (Patch(address=f"{number} Lê Lợi") for number in (1, 2, 3))


def over(day: date, patch: Patch, origin: str = "file") -> Over:
    return Over(day, 1, patch, origin)


def meant(
    entries: list[tuple[date | None, Patch]], *versions: Over, overwrite: bool = False
) -> list[tuple[str, date, Patch]]:
    said = [Entry(CODE, day, patch) for day, patch in entries]
    steps: list[Step] = steps_for(CODE, said, versions, beneath=True, on=ON, overwrite=overwrite)
    return [(step.act, step.day, step.after) for step in steps]


@pytest.mark.parametrize(
    ("entries", "versions", "steps"),
    [
        pytest.param([(None, ONE)], [], [("write", ON, ONE)], id="new, from today"),
        pytest.param([(None, ONE)], [over(BEFORE, ONE)], [], id="said already"),
        pytest.param([(None, TWO)], [over(BEFORE, ONE)], [("write", ON, TWO)], id="changed, from today"),
        pytest.param([(None, TWO)], [over(BEFORE, ONE, "api")], [("keep", ON, TWO)], id="an admin's stays"),
        pytest.param([(None, ONE)], [over(BEFORE, ONE, "api")], [("adopt", BEFORE, ONE)], id="both say it: the file's"),
        pytest.param([], [over(BEFORE, ONE)], [("write", ON, NOTHING)], id="taken out: ends today"),
        pytest.param([], [over(BEFORE, ONE, "api")], [], id="a file need not list what admins put"),
        pytest.param([], [over(BEFORE, ONE, "import")], [], id="nor what was imported"),
        pytest.param([(AFTER, ONE)], [], [("write", AFTER, ONE)], id="to come"),
        pytest.param([(AFTER, TWO)], [over(BEFORE, ONE), over(AFTER, TWO)], [("write", ON, NOTHING)], id="only the first out"),
        pytest.param([(BEFORE, ONE)], [over(BEFORE, ONE), over(AFTER, TWO)], [("write", AFTER, ONE)], id="never begins"),
        pytest.param([(BEFORE, ONE)], [over(BEFORE, ONE), over(ON, TWO)], [("write", ON, ONE)], id="the older again"),
        pytest.param(
            [(BEFORE, ONE), (AFTER, THREE)],
            [over(BEFORE, ONE), over(ON, TWO, "api")],
            [("keep", AFTER, THREE)],
            id="not over an admin's that the file doesn't know",
        ),
        pytest.param(
            [(ON, TWO), (AFTER, THREE)],
            [over(ON, TWO, "api")],
            [("adopt", ON, TWO), ("write", AFTER, THREE)],
            id="over an admin's that the file says",
        ),
        pytest.param([(None, ONE), (BEFORE, TWO)], [], [("write", BEFORE, TWO), ("write", ALWAYS, ONE)], id="the start"),
    ],
)  # fmt: skip
def test_what_the_file_means_for_each_version(
    entries: list[tuple[date | None, Patch]], versions: list[Over], steps: list[tuple[str, date, Patch]]
) -> None:
    assert meant(entries, *versions) == steps


def test_the_file_wins_over_an_admin_when_told_to() -> None:
    assert meant([(None, TWO)], over(BEFORE, ONE, "api"), overwrite=True) == [("write", ON, TWO)]
    assert meant([(AFTER, TWO)], over(BEFORE, ONE, "cli"), overwrite=True) == [("write", AFTER, TWO)]


DAYS = st.sampled_from([ON - timedelta(days=9), ON, ON + timedelta(days=9)])
PATCHES = st.sampled_from([ONE, TWO, NOTHING])


@example({None: TWO, ON: ONE}, {AFTER: ONE, ON - timedelta(days=9): ONE})
@given(st.dictionaries(DAYS | st.none(), PATCHES, max_size=4), st.dictionaries(DAYS, PATCHES, max_size=3))
def test_applied_twice_changes_nothing_the_second_time(told: dict[date | None, Patch], held: dict[date, Patch]) -> None:
    entries = [Entry(CODE, day, patch) for day, patch in told.items()]
    versions = {day: over(day, patch) for day, patch in held.items()}
    for _ in range(2):
        standing = tuple(versions[day] for day in sorted(versions))
        steps = steps_for(CODE, entries, standing, beneath=True, on=ON, overwrite=False)
        versions |= {step.day: over(step.day, step.after) for step in steps if step.act != "keep"}
    standing = tuple(versions[day] for day in sorted(versions))
    assert [
        s for s in steps_for(CODE, entries, standing, beneath=True, on=ON, overwrite=False) if s.before != s.after
    ] == []


FILE = """
[[procedures]]
code = "1.004194"
valid_from = "2026-12-01"
fe = 1
fee = 50000
levels = ["district"]

[[procedures]]
hidden = "yes"

[[procedures]]
code = "abc"
limit = { value = 3 }

[[procedures]]
code = "1.001612"
note = ""

[[procedures]]
code = "1.001612.000.00.00.H57"

[procedure]
code = "1.001612"
"""


def test_every_mistake_has_its_line_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "procedures.toml"
    path.write_text(FILE, encoding="utf-8")
    entries, findings = read_layer_file(path)
    assert [entry.code for entry in entries] == ["1.001612"]
    told = [str(each).removeprefix(f"{path.as_posix()}:") for each in findings]
    for line, key, said in (
        (4, "procedures[0].valid_from", "cần ngày"),
        (5, "procedures[0].fe", "có phải ý là fee?"),
        (6, "procedures[0].fee", "amount = 50000"),
        (7, "procedures[0].levels", '"commune", "province"'),
        (9, "procedures[1].code", "thiếu khóa này"),
        (10, "procedures[1].hidden", "true hoặc false"),
        (13, "procedures[2].code", "cần mã thủ tục"),
        (14, "procedures[2].limit", '"working_day"'),
        (21, "procedures[4].code", "đã có ở dòng 17"),
        (23, "procedure", "[[procedures]]"),
    ):
        assert any(each.startswith(f"{line} {key}") and said in each for each in told), (line, key, told)
    assert len(told) == 10, told


def test_what_was_written_says_the_same_when_read(tmp_path: Path) -> None:
    everything = OverrideIn(
        name='Cấp "giấy" mới', agencies=["Sở Xây dựng", "Ủy ban nhân dân phường"], levels=["commune"],
        limit=LimitIn(3, "working_day", [VariantIn(5, "working_day", "phải xác minh")]), fee=FeeIn("Tùy loại", None),
        address="23 Tố Hữu, phường Xuân Phú", hidden=True, replaced_by="", online="full", channels=["online", "post"],
        documents=["Đơn", "Căn cước"], note="",
    ).patch()  # fmt: skip
    path = tmp_path / "procedures.toml"
    entries = [
        Entry(CODE, None, everything),
        Entry(CODE, AFTER, OverrideIn(fee=FeeIn(amount=0)).patch()),
        Entry(OTHER, ON, NOTHING),
    ]
    path.write_text(layer_text(entries, "hue"), encoding="utf-8")
    again, findings = read_layer_file(path)
    assert not findings
    assert sorted(again, key=str) == sorted(entries, key=str)
    assert layer_text(again, "hue") == layer_text(entries, "hue")


@pytest.fixture(scope="module")
async def db(services: Services, redis_url: str) -> AsyncIterator[Database]:
    settings = await own(services, redis_url)
    database = Database.connect(settings.database_url, part="test", pool_size=4)
    yield database
    await database.close()


async def bring(db: Database, path: Path, *, overwrite: bool = False) -> Brought:
    async with db.tenant(TENANT) as session:
        planned = await PROCEDURES.bring(session, TENANT, path, actor="", overwrite=overwrite, write=False)
    async with db.tenant(TENANT) as session:
        done = await PROCEDURES.bring(session, TENANT, path, actor="cli:an", overwrite=overwrite, write=True)
    assert planned == done
    return done


async def export(db: Database, path: Path) -> str | None:
    async with db.tenant(TENANT) as session:
        return await PROCEDURES.export(session, TENANT, path)


async def test_an_admins_version_is_kept_exported_and_then_the_files(
    db: Database, registry: Registry, tmp_path: Path
) -> None:
    book = Book(db, registry)
    path = tmp_path / "hue" / "procedures.toml"
    path.parent.mkdir()
    path.write_text(f'[[procedures]]\ncode = "{CODE}"\naddress = "1 Lê Lợi"\nfee = {{ amount = 20000 }}\n', "utf-8")
    done = await bring(db, path)
    assert [str(change) for change in done.changes] == [
        f"procedures.{CODE}.valid_from: - → {today()}",
        f"procedures.{CODE}.fee: - → text 20.000 đ, amount 20000",
        f"procedures.{CODE}.address: - → 1 Lê Lợi",
    ]
    assert await bring(db, path) == Brought()
    assert (await book.fresh(TENANT)).get(CODE).fee.amount == 20_000  # type: ignore[union-attr]

    await lay_over(book, TENANT, CODE, OverrideIn(address="2 Lê Lợi").patch(), None, actor="key:admin")
    await lay_over(book, TENANT, "9.000001.H57", OverrideIn(name="Riêng của Huế").patch(), None, actor="key:admin")
    done = await bring(db, path)
    assert not done.changes
    assert [change.field for change in done.kept] == [
        f"procedures.{CODE}.{name}" for name in ("valid_from", "fee", "address")
    ]
    assert (await book.fresh(TENANT)).get(CODE).address == "2 Lê Lợi"  # type: ignore[union-attr]

    written = await export(db, path)
    assert written is not None
    assert "2 Lê Lợi" in written
    assert "Riêng của Huế" in written
    path.write_text(written, encoding="utf-8")
    assert await export(db, path) is None
    assert await bring(db, path) == Brought()
    path.write_text(written.replace("2 Lê Lợi", "3 Lê Lợi"), encoding="utf-8")
    done = await bring(db, path)
    assert [str(change) for change in done.changes if "address" in change.field] == [
        f"procedures.{CODE}.address: 2 Lê Lợi → 3 Lê Lợi"
    ]
    path.write_text("", encoding="utf-8")
    await bring(db, path)
    view = await book.fresh(TENANT)
    assert view.get(CODE).address == ""  # type: ignore[union-attr]
    async with db.tenant(TENANT) as session:
        origins = await session.scalars(
            text("SELECT origin FROM procedure_overrides WHERE code = :code ORDER BY version"), {"code": CODE}
        )
        assert list(origins) == ["file", "api", "file", "file", "file"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f'code = "{OTHER}"\nreplaced_by = "1.999999"', "không có trong danh mục"),
        ('code = "1.999998"\naddress = "x"', "ghi name nếu là thủ tục riêng"),
    ],
)
async def test_what_leads_a_citizen_nowhere_is_refused_before_anything_is_written(
    db: Database, tmp_path: Path, said: str, why: str
) -> None:
    path = tmp_path / "procedures.toml"
    path.write_text(f"[[procedures]]\n{said}\n", encoding="utf-8")
    async with db.tenant(TENANT) as session:
        with pytest.raises(ConfigurationError, match=why):
            await PROCEDURES.bring(session, TENANT, path, actor="", overwrite=False, write=False)
