"""What an operator does on the command line: words, money, templates, and the story of a message."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from tests.cli.conftest import Cli, Said, run
from tests.notices.stage import NOON, Stage

from govchat.db.session import Database
from govchat.dossiers.codes import normalise
from govchat.notices.templates import take_in
from govchat.settings import Settings
from govchat.tenants.registry import Registry
from govchat.zalo.templates import Param, TemplateInfo, TemplateQuota

INFO = TemplateInfo(
    template_id="310009",
    name="Hồ sơ",
    status="ENABLE",
    tag="TRANSACTION",
    params=(Param("ma_ho_so", "CODE", 30), Param("muc_nay", "CUSTOM_LABEL", 30)),
    price_uid=300,
)


@pytest.fixture(name="cli")
def _cli(settings: Settings) -> Cli:
    async def call(*words: str, given: str = "") -> Said:
        return await run(settings, *words, given=given)

    return call


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    db = Database.connect(settings.database_url, part="test", pool_size=2)
    registry = Registry(db, settings)
    await registry.load()
    yield await Stage.open(registry, "gia-lai")
    await db.close()


async def test_words_are_tried_saved_and_taken_back(cli: Cli) -> None:
    shown = await cli("notice", "preview", "gia-lai", "ready")
    assert "Giấy phép xây dựng" in shown.out
    refused = await cli("notice", "save", "gia-lai", "ready", given="Hồ sơ {code} xong.")
    assert refused.status == 1
    assert "{unit}" in refusal(refused)
    words = "Hồ sơ {code} xong.\nNơi: {unit}\nNgười: {officer}\nNhận: {received}\nHẹn: {due}\nKết quả: {results}\nLúc: {changed}"
    assert "lần sửa 1 " in (await cli("notice", "save", "gia-lai", "ready", given=words)).out
    assert "Hồ sơ H19.12-261103-0007 xong." in (await cli("notice", "preview", "gia-lai", "ready")).out
    assert (await cli("notice", "words", "gia-lai", "--json")).json["ready"] == {"version": 1, "text": words}
    assert "lần sửa 2 " in (await cli("notice", "save", "gia-lai", "ready", "--product")).out
    assert "xong." not in (await cli("notice", "preview", "gia-lai", "ready")).out
    assert "expected one of" in refusal(await cli("notice", "preview", "gia-lai", "party"))


async def test_nothing_is_paid_for_until_somebody_says_so(cli: Cli) -> None:
    assert (await cli("notice", "settings", "gia-lai", "--json")).json["monthly_budget"] == 0
    said = await cli("notice", "settings", "gia-lai", "--monthly-budget", "5000", "--paid-window", "--json")
    assert (said.json["monthly_budget"], said.json["paid_window"]) == (5000, True)


async def test_a_template_is_mapped_by_its_usual_names_and_by_what_is_given(cli: Cli, stage: Stage) -> None:
    assert "template sync" in (await cli("template", "list", "gia-lai")).out
    async with stage.db.tenant(stage.id) as session:
        await take_in(session, stage.id, [INFO], TemplateQuota(500, 500))
    assert "muc_nay" in refusal(await cli("template", "map", "gia-lai", "ready", "310009"))
    assert "không có dữ liệu" in refusal(await cli("template", "map", "gia-lai", "ready", "310009", "muc_nay=mobile"))
    assert "THAM_SỐ=DỮ_LIỆU" in refusal(await cli("template", "map", "gia-lai", "ready", "310009", "muc_nay"))
    assert "template sync" in refusal(await cli("template", "map", "gia-lai", "ready", "1", "muc_nay=note"))
    said = await cli("template", "map", "gia-lai", "ready", "310009", "muc_nay=results")
    assert said.out.splitlines() == ["ma_ho_so = code", "muc_nay = results"]
    assert "cơ quan đang giữ hồ sơ, người tiếp nhận, giải quyết" in said.err
    (listed,) = (await cli("template", "list", "gia-lai", "--json")).json
    assert listed["kinds"] == ["ready"]


async def test_whom_nobody_could_reach_is_listed_and_explained(cli: Cli, stage: Stage) -> None:
    assert "thông báo nào cũng gửi được" in (await cli("notice", "unreached", "gia-lai")).out
    change = await stage.dossier()
    await stage.follower(change, spoke=None)
    assert await stage.plan(change, now=NOON) == [0]
    (listed,) = (await cli("notice", "unreached", "gia-lai", "--json")).json
    assert listed["code"] == change.code
    story = (await cli("explain", listed["notice_id"], "--tenant", "gia-lai")).out
    assert "not in the chat within 48 hours: the citizen has never interacted" in story
    assert "no message was put" in story
    async with stage.db.tenant(stage.id) as session:
        key, dossier = {"code_key": normalise(change.code)}, {"id": change.dossier_id}
        await session.execute(sa.text("UPDATE dossiers SET code_key = :code_key WHERE id = :id"), key | dossier)
    (told,) = (await cli("explain", change.code.lower(), "--tenant", "gia-lai", "--json")).json
    assert (told["id"], told["state"], told["channel"]) == (listed["notice_id"], "none", None)
    assert listed["notice_id"] in (await cli("notice", "list", "gia-lai", "--dossier", change.code)).out
    assert "không ai theo dõi" in (await cli("explain", "H52.99-261103-9999", "--tenant", "gia-lai")).out
    assert "hoặc mã hồ sơ" in refusal(await cli("explain", "xyz", "--tenant", "gia-lai"))
    unknown = await cli("explain", "00000000-0000-7000-8000-000000000000", "--tenant", "gia-lai")
    assert "is not known here" in refusal(unknown)


def refusal(said: Said) -> str:
    assert said.status == 1
    return said.refusal
