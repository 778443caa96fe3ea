"""A rehearsal that fails says what failed and what to do, and leaves nothing behind however it ends."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec
import pytest
from tests.cli.conftest import environ_of
from tests.local.running import clean_environment
from tests.rehearsal.conftest import Rehearse, leftovers, make_leftover
from tests.stack import Services

from govchat.rehearsal.paper import paper
from govchat.rehearsal.rehearse import Act
from govchat.rehearsal.report import Report, Sheet, faults
from govchat.rehearsal.scratch import PREFIX
from govchat.rehearsal.stage import Stage, StepBroken
from govchat.rehearsal.terminal import WIDTH, page
from govchat.settings import Settings

pytestmark = pytest.mark.usefixtures("only_rehearsal")


async def broken(stage: Stage, sheet: Sheet) -> None:
    sheet.tell("Một bước không làm được.")
    raise StepBroken("hết 30 giây mà <không> thấy gì")


async def wrong(stage: Stage, sheet: Sheet) -> None:
    sheet.expect("Được chào", 20, 19, "người thứ 7")


def told(report: Report) -> str:
    lines = page(report)
    assert max(map(len, lines)) <= WIDTH
    return "\n".join(lines)


async def test_what_fails_is_named_with_the_way_out_and_nothing_is_left_behind(
    play: Rehearse, services: Services
) -> None:
    gone = f"{PREFIX}0123456789ab"
    await make_leftover(services, gone)
    report = await play(
        "connect",
        Act("wrong", "Sai", wrong, "Xem SLUG."),
        "dossiers",
        Act("broken", "Hỏng", broken, "Gọi SLUG."),
        "prove",
    )
    assert [step.outcome for step in report.steps] == ["passed", "passed", "failed", "passed", "failed", "skipped"]
    assert not report.ok
    one, stuck = report.failed
    assert list(faults(one)) == ["Được chào: cần 20, thấy 19 (người thứ 7)"]
    assert (stuck.broke, stuck.todo) == ("hết 30 giây mà <không> thấy gì", "Gọi cao-bang.")
    assert {each.field for each in report.differences} == {"quiet_hours"}
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
    shown = told(report)
    assert "✗ Được chào: cần 20, thấy 19 (người thứ 7)" in shown
    assert "Chưa đạt: 2. Sai, 4. Hỏng. Bỏ qua 1 bước sau đó." in " ".join(shown.split())
    printed = paper(report)
    assert "&lt;không&gt;" in printed
    assert "CHƯA ĐẠT" in printed
    for outside in ("http://", "https://", "<script", "url("):
        assert outside not in printed
    good = msgspec.structs.replace(report, ok=True, steps=[step for step in report.steps if step.outcome == "passed"])
    assert "Mọi bước đều đạt" in told(good)
    assert "Việc phải làm" not in paper(good)
    # Nothing is left, not even what an earlier one left.
    assert await leftovers(services) == []


async def test_a_rehearsal_that_is_told_to_end_drops_its_database(
    servers: Settings, services: Services, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "govchat",
        "tenant",
        "rehearse",
        "cao-bang",
        "--small",
        "--data-dir",
        str(tmp_path / "no"),
    ]
    environ = {**clean_environment(), **environ_of(servers), "TMPDIR": str(tmp_path)}
    child = await asyncio.create_subprocess_exec(*command, env=environ, stdout=PIPE, stderr=PIPE)
    assert child.stderr is not None
    assert b"0/11" in await child.stderr.readline()
    assert len(await leftovers(services)) == 1
    child.send_signal(signal.SIGTERM)
    _, rest = await child.communicate()
    assert child.returncode == 130, rest.decode()
    assert "đã được xóa" in rest.decode()
    assert await leftovers(services) == []
    assert list(tmp_path.glob("govchat-rehearsal-*/")) == []  # noqa: ASYNC240
