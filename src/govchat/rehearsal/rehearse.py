"""One rehearsal from beginning to end: the place, the house, the acts in their order, the report."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from govchat.kit import clock
from govchat.kit.ending import end
from govchat.obs import logs
from govchat.rehearsal import cast
from govchat.rehearsal.cast import FULL, Size, cast_for
from govchat.rehearsal.house import open_house
from govchat.rehearsal.report import Outcome, Report, Sheet, Step
from govchat.rehearsal.scratch import Place, scratch
from govchat.rehearsal.stage import ANYTHING, Stage, StepBroken, gather, item_of
from govchat.rehearsal.steps import (
    ask,
    broadcast,
    catalogue,
    connect,
    dossiers,
    follow,
    notices,
    outage,
    prove,
    subscribe,
    token,
)
from govchat.rehearsal.terminal import seconds
from govchat.settings import Settings
from govchat.tenants.manifest import Manifest

log = structlog.get_logger()

Play = Callable[[Stage, Sheet], Awaitable[None]]


class Act(msgspec.Struct, frozen=True):
    """One act: what plays it, and what to do when it fails (Vietnamese)."""

    key: str
    title: str
    play: Play
    todo: str


AGAIN = "Chạy lại khi máy rảnh. Vẫn không đạt thì gửi tệp nhật ký và bản báo cáo này cho đơn vị phát triển, chưa đưa vào vận hành."
ACTS = (
    Act(
        "connect", "Kết nối Official Account", connect.connect,
        "Xem lại app_id, oa_id và pkce_mode trong tenant.toml; chạy `govchat tenant check SLUG`.",
    ),
    Act(
        "catalogue", "Nhập danh mục thủ tục", catalogue.catalogue,
        AGAIN,
    ),
    Act(
        "dossiers", "Nhận hồ sơ từ hệ thống một cửa", dossiers.dossiers,
        "Xem lại [[h_codes]] trong tenant.toml; kiểm tra bộ nhớ và ổ đĩa của máy chủ cơ sở dữ liệu nếu quá chậm.",
    ),
    Act(
        "follow", "Công dân quan tâm OA", follow.follow,
        AGAIN,
    ),
    Act(
        "ask", "Công dân tra cứu và hỏi thủ tục", ask.ask,
        AGAIN,
    ),
    Act(
        "subscribe", "Công dân đăng ký nhận thông báo", subscribe.subscribe,
        AGAIN,
    ),
    Act(
        "notices", "Thông báo khi hồ sơ đổi trạng thái", notices.notices,
        "Xem lời thông báo bằng `govchat notice preview SLUG ready`; nếu chỉ chậm, chạy lại khi máy rảnh hơn.",
    ),
    Act(
        "broadcast", "Một tin chung cho người quan tâm", broadcast.broadcast,
        "Chưa gửi tin chung thật; gửi tệp nhật ký và bản báo cáo này cho đơn vị phát triển.",
    ),
    Act(
        "token", "Mất mã truy cập Zalo", token.token,
        "Đọc mục needs_reconsent trong tài liệu vận hành; chưa đưa vào vận hành khi bước này chưa đạt.",
    ),
    Act(
        "outage", "Mất webhook", outage.outage,
        "Đọc mục webhook im lặng trong tài liệu sự cố; chưa đưa vào vận hành khi bước này chưa đạt.",
    ),
    Act(
        "prove", "Đối chiếu cuối buổi", prove.prove,
        "Chưa đưa vào vận hành; gửi tệp nhật ký và bản báo cáo này cho đơn vị phát triển.",
    ),
)  # fmt: skip
SETTING = "Dựng cơ sở dữ liệu tạm và hệ thống"


async def rehearse(
    settings: Settings,
    manifest: Manifest,
    *,
    data_dir: Path,
    log_file: Path,
    say: Callable[[str], None],
    size: Size = FULL,
    acts: Sequence[Act] = ACTS,
) -> Report:
    """Play the acts; a failure is in the report. Raises `ConfigurationError` when the place can't be made.

    `settings` name the servers there are, if any; `say` hears a line after each act; `log_file` takes what the house logs.
    """
    started_at, began = clock.now(), time.monotonic()
    players = cast_for(manifest, started_at.astimezone(clock.VN).date(), size)
    steps: list[Step] = []
    with log_file.open("w", encoding="utf-8") as stream, _logging_into(stream):
        async with (
            scratch(settings, data_dir) as place,
            open_house(place.settings, (players.manifest, *players.neighbours)) as house,
        ):
            stage = Stage(house, players, log_file)
            steps.append(await _set(stage, place, time.monotonic() - began))
            say(_line(steps[-1], len(acts)))
            playing = asyncio.create_task(_play_all(stage, acts, steps, stream, say))
            try:
                await asyncio.wait({playing})
            finally:
                await end([playing])
            figures = playing.result()
    return Report(
        slug=manifest.slug,
        full_name=manifest.full_name,
        ok=all(step.outcome == "passed" for step in steps),
        started_at=started_at,
        seconds=round(time.monotonic() - began, 1),
        stands_on=place.stands_on,
        differences=players.differences,
        figures=figures,
        steps=steps,
        log=str(log_file),
    )


async def _play_all(
    stage: Stage, acts: Sequence[Act], steps: list[Step], log: TextIO, say: Callable[[str], None]
) -> dict[str, int]:
    """One act after the other, each into `steps`; then the figures."""
    for number, act in enumerate(acts, 1):
        steps.append(await _play(act, number, stage, log, broken=_is_broken(steps)))
        say(_line(steps[-1], len(acts)))
    return await _figures(stage)


@contextmanager
def _logging_into(stream: TextIO) -> Iterator[None]:
    """Everything this process logs goes into the file; what logged where before is put back."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    logs.configure("rehearsal", stream=stream)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**before)


async def _set(stage: Stage, place: Place, so_far: float) -> Step:
    """The neighbours at home before anything happens: followers, dossiers, and a fingerprint of all they have."""
    began, sheet = time.monotonic(), Sheet()
    await stage.make_key(stage.tenant)
    for neighbour in stage.cast.neighbours:
        tenant = stage.house.registry.by_slug(neighbour.slug)
        await stage.make_key(tenant)
        theirs = cast.dossiers_of(neighbour, stage.today, cast.NEIGHBOURS_FOLLOWERS)
        await stage.put_batch([item_of(each) for each in theirs], slug=neighbour.slug)
        users = [f"hang-xom-{number + 1}" for number in range(cast.NEIGHBOURS_FOLLOWERS)]
        await gather(_follow(stage, neighbour.slug, user_id) for user_id in users)
    await stage.house.zalo.courier.settled()
    for neighbour in stage.cast.neighbours:
        tenant = stage.house.registry.by_slug(neighbour.slug)
        await stage.settled(tenant, ANYTHING)
        stage.neighbours_before[neighbour.slug] = await prove.traces(stage, neighbour.slug)
    sheet.tell(
        f"Dựng {place.stands_on}, áp dụng tenant.toml, mở API, hai tiến trình xử lý và Zalo giả lập; thêm hai tỉnh láng giềng."
    )
    states = await stage.house.registry.load()
    sheet.expect("Đơn vị đang mở", 1 + len(stage.cast.neighbours), len(states.tenants))
    total = round(so_far + time.monotonic() - began, 1)
    return Step(
        number=0, key="set", title=SETTING, did=sheet.did, checks=sheet.checks, seconds=total,
        outcome="passed" if sheet.passed else "failed",
    )  # fmt: skip


async def _follow(stage: Stage, slug: str, user_id: str) -> None:
    await stage.house.zalo.follow(slug, user_id)
    await stage.house.zalo.answers(slug, user_id, 1, timeout=30)


async def _play(act: Act, number: int, stage: Stage, stream: TextIO, *, broken: bool) -> Step:
    began, sheet, broke = time.monotonic(), Sheet(), ""
    outcome: Outcome = "skipped"
    if not broken:
        try:
            await act.play(stage, sheet)
        except StepBroken as error:
            broke = str(error)
        except Exception as error:  # an act that fails is a finding, whatever it is
            log.exception("rehearsal.act_failed", act=act.key)
            broke = f"{type(error).__name__}: xem nhật ký"
        outcome = "failed" if broke or not sheet.passed else "passed"
    stream.flush()
    return Step(
        number=number, key=act.key, title=act.title, did=sheet.did, checks=sheet.checks,
        seconds=round(time.monotonic() - began, 1), outcome=outcome, broke=broke,
        todo=act.todo.replace("SLUG", stage.slug) if outcome == "failed" else "",
    )  # fmt: skip


def _is_broken(steps: list[Step]) -> bool:
    """Whether an act before could not be brought to its end: what builds on it would only fail too."""
    return any(step.broke for step in steps)


async def _figures(stage: Stage) -> dict[str, int]:
    stats = stage.house.zalo.world.stats
    try:
        dossiers = await stage.count("SELECT count(*) FROM dossiers WHERE tenant_id = :tenant")
    except (SQLAlchemyError, OSError):  # the database was lost on the way: the report says so, and must be printed
        log.exception("rehearsal.figures_failed")
        dossiers = 0
    return {
        "webhooks": stats.webhooks["events"],
        "messages": stats.accepted_by_oa[stage.tenant.oa_id],
        "questions": stage.asked,
        "dossiers": dossiers,
        "most_in_60s": stage.house.zalo.world.oa_meters[stage.tenant.oa_id].max_in_60s,
    }


def _line(step: Step, of: int) -> str:
    words = {"passed": "đạt", "failed": "CHƯA ĐẠT", "skipped": "bỏ qua"}
    return f"{step.number:>2}/{of}  {step.title}: {words[step.outcome]}, {seconds(step.seconds)} giây"
