"""How campaigns are shown to who sends them: one, its estimate, its progress."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from govchat.campaigns.schemas import CampaignOut, Estimate
    from govchat.outbox.tally import Counts

STATES = {
    "draft": "bản nháp",
    "approved": "đã duyệt",
    "scheduled": "đã hẹn giờ",
    "running": "đang gửi",
    "paused": "tạm dừng",
    "cancelled": "đã hủy",
    "done": "đã xong",
}
CLASSES = {"announcement": "thông báo", "promotion": "quảng bá", "emergency": "khẩn cấp"}


def state_of(state: str) -> str:
    """A state as people read it, with its name in the API."""
    return f"{STATES[state]} ({state})"


def class_of(kind: str) -> str:
    """A class as people read it."""
    return CLASSES[kind]


def told(shown: "CampaignOut", json_: bool) -> None:
    """Print a campaign as it stands."""
    from govchat.cli.show import as_json, moment

    if json_:
        as_json(shown)
        return
    counts = shown.counts
    click.echo(f"{shown.id}  {state_of(shown.state)}  {class_of(shown.class_)}  {shown.name}")
    click.echo(
        f"  tổng {counts.total}  chờ gửi {counts.queued}  đang gửi {counts.sending}  đã gửi {counts.sent}  "
        f"chưa rõ {counts.uncertain}  lỗi {counts.failed}  bỏ qua {counts.skipped}"
    )
    click.echo(f"  soạn: {shown.created_by}, {moment(shown.created_at)}; duyệt: {shown.approved_by or '-'}")
    if shown.send_at is not None and shown.started_at is None:
        click.echo(f"  bắt đầu lúc {moment(shown.send_at)}")
    if shown.way == "broadcast":
        click.echo("  Zalo gửi đồng loạt dưới dạng bài viết")
    if shown.trouble:
        click.echo(f"  lưu ý: {shown.trouble}")


def estimated(found: "Estimate", json_: bool) -> None:
    """Print what sending would mean now."""
    from govchat.cli.show import as_json

    if json_:
        as_json(found)
        return
    minutes, seconds = divmod(found.seconds, 60)
    ways, out = found.channels, found.excluded
    click.echo(
        f"người nhận    {found.recipients}{'  (chỉ người thử: đơn vị đang chạy thử)' if found.testers_only else ''}"
    )
    click.echo(
        f"cách gửi      miễn phí {ways.cs}, trả phí {ways.cs_paid}, theo mẫu {ways.uid}, đồng loạt {ways.broadcast}, "
        f"không gửi được {ways.none}"
    )
    click.echo(
        f"không tính    từ chối nhận tin {out.opted_out}, chưa đồng ý {out.no_consent}, không quan tâm OA {out.not_following}"
    )
    click.echo(f"chi phí       {found.cost} đồng, tối đa {found.max_cost} đồng")
    click.echo(f"thời gian     {minutes} phút {seconds} giây, {found.rate_per_minute} tin mỗi phút")
    for warning in found.warnings:
        click.echo(f"lưu ý: {warning}")


def handled(counts: "Counts") -> int:
    """How many are neither waiting nor on their way."""
    return counts.total - counts.queued - counts.sending


def progress(shown: "CampaignOut", *, rate: float) -> str:
    """A progress bar in one line; `rate` is messages a second."""
    counts = shown.counts
    left = counts.queued + counts.sending
    eta = ""
    if rate > 0 and left and not shown.planning:
        minutes = round(left / rate / 60)
        eta = f", còn {minutes} phút" if minutes else ", còn chưa đến một phút"
    note = f", lưu ý: {shown.trouble}" if shown.trouble else ""
    return f"{bar(handled(counts), counts.total)} {STATES[shown.state]}, {rate * 60:.0f} tin/phút{eta}{note}"


def bar(done: int, total: int, width: int = 30) -> str:
    """`[#####-----]  50 % (5 trong 10)`."""
    share = done / total if total else 0.0
    filled = int(share * width)
    return f"[{'#' * filled}{'-' * (width - filled)}] {share * 100:3.0f} % ({done} trong {total})"
