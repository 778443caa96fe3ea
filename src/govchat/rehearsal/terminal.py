"""The report for a terminal: one page in Vietnamese of at most 100 columns."""

import textwrap
from collections.abc import Iterator

from govchat.kit.clock import VN
from govchat.rehearsal.report import Check, Report, Step, faults, shown

WIDTH = 100
INDENT = " " * 4
OUTCOMES = {"passed": "ĐẠT", "failed": "CHƯA ĐẠT", "skipped": "BỎ QUA"}
ALOUD = "Chạy trên Zalo giả lập và {stands_on}, đã xóa sau khi chạy. Không gửi gì ra ngoài, không mở dữ liệu và khóa bí mật thật."


def page(report: Report) -> list[str]:
    """The lines."""
    verdict = "ĐẠT" if report.ok else "CHƯA ĐẠT"
    at = report.started_at.astimezone(VN)
    lines = [
        f"Diễn tập {report.full_name} ({report.slug}): {verdict}",
        f"{at:%H:%M ngày %d/%m/%Y}, {seconds(report.seconds)} giây",
        *wrapped(ALOUD.format(stands_on=report.stands_on.replace("`", ""))),
        "",
    ]
    for step in report.steps:
        lines += _step(step)
    lines += ["", *_differences(report), *wrapped(totals(report)), "", *_ending(report)]
    return lines


def seconds(value: float) -> str:
    """Seconds as people here write them."""
    return f"{value:.1f}".replace(".", ",")


def wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """The text on lines that fit."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest, break_on_hyphens=False
    )


def _step(step: Step) -> Iterator[str]:
    clock = f"{seconds(step.seconds):>6} giây"
    head = f"{step.number:>2}. {step.title}"
    yield f"{head.ljust(70)}{OUTCOMES[step.outcome]:>13}  {clock:>11}".rstrip()
    if step.outcome == "skipped":
        return
    yield from wrapped(" ".join(step.did), INDENT)
    if told := " · ".join(told_of(check) for check in step.checks if check.ok):
        yield from wrapped(told, f"{INDENT}✓ ", f"{INDENT}  ")
    for fault in faults(step):
        yield from wrapped(fault, f"{INDENT}✗ ", f"{INDENT}  ")
    if step.todo:
        yield from wrapped(step.todo, f"{INDENT}→ ", f"{INDENT}  ")


def told_of(check: Check) -> str:
    """A check that was met, in a few words."""
    if check.expected.startswith("≤"):
        return f"{check.what}: {check.seen} ({check.expected})"
    if check.counted:
        return f"{check.what}: {check.seen}/{check.expected}"
    return f"{check.what}: {check.seen}"


def _differences(report: Report) -> Iterator[str]:
    for each in report.differences:
        yield from wrapped(f"Khác với tenant.toml: {each.field} {each.real} → {each.rehearsed}, {each.why}.", "", "  ")


def totals(report: Report) -> str:
    """One sentence of figures."""
    figures = {name: shown(value) for name, value in report.figures.items()}
    return (
        f"Tổng cộng {figures['dossiers']} hồ sơ, {figures['questions']} lượt hỏi, {figures['messages']} tin gửi đi, "
        f"{figures['webhooks']} sự kiện từ Zalo; nhiều nhất {figures['most_in_60s']} lượt gọi Zalo trong 60 giây."
    )


def _ending(report: Report) -> list[str]:
    if report.ok:
        return wrapped(f"Mọi bước đều đạt. Việc tiếp theo: govchat tenant status {report.slug}")
    failed = ", ".join(f"{step.number}. {step.title}" for step in report.failed)
    skipped = sum(1 for step in report.steps if step.outcome == "skipped")
    told = f"Chưa đạt: {failed}." + (f" Bỏ qua {skipped} bước sau đó." if skipped else "")
    return wrapped(f"{told} Làm theo dòng → ở bước chưa đạt rồi diễn tập lại. Nhật ký: {report.log}")
