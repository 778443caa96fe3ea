"""`govchat report`: figures of a province, small numbers withheld."""

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.reports.schemas import RatingReport, Satisfaction
    from govchat.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def report() -> None:
    """Print the figures of a province."""


@report.command()
@click.argument("slug")
@click.option("--since", type=DAY, help="First day.  [default: 90 days ago]")
@click.option("--until", type=DAY, help="Last day, included.  [default: today]")
@data_dir_option
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def ratings(slug: str, since: datetime | None, until: datetime | None, data_dir: Path, json_: bool) -> None:
    """How citizens of SLUG rated the handling of their dossiers, by office."""
    from govchat.cli.show import as_json, as_table

    told = asyncio.run(
        _ratings(beside_up(data_dir), slug, since.date() if since else None, until.date() if until else None)
    )
    if json_:
        as_json(told)
        return
    rows = [(one.unit, *_cells(one)) for one in told.offices]
    rows += [(name, *_cells(one)) for name, one in (("(cơ quan khác)", told.others), ("TỔNG", told.total)) if one]
    if rows:
        as_table(
            ("CƠ QUAN", "LƯỢT", "HÀI LÒNG", "CHƯA HÀI LÒNG", "THỜI GIAN", "THÁI ĐỘ", "RÕ RÀNG", "CHI PHÍ NGOÀI"), rows
        )
    else:
        click.echo(f"{slug}: không có lượt đánh giá nào để nêu từ {told.since:%d/%m/%Y} đến {told.until:%d/%m/%Y}")
    if told.withheld:
        click.echo("không nêu cơ quan có dưới năm lượt đánh giá", err=True)


def _cells(one: "Satisfaction") -> tuple[str, ...]:
    shares = (one.satisfied_share, one.time_share, one.attitude_share, one.clarity_share, one.extra_costs_share)
    first, *rest = ("-" if share is None else f"{share:.0%}" for share in shares)
    return (str(one.ratings), first, str(one.poor), *rest)


async def _ratings(settings: "Settings", slug: str, since: date | None, until: date | None) -> "RatingReport":
    from datetime import timedelta

    from govchat.cli.opened import opened
    from govchat.kit import clock
    from govchat.kit.clock import VN
    from govchat.reports.ratings import ratings_report

    last = until or clock.now().astimezone(VN).date()
    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await ratings_report(session, tenant.id, since or last - timedelta(days=90), last)
