"""`govchat petition`: what a province promises about petitions, and how many stand where."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.petitions.rules import Rules
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def petition() -> None:
    """See and settle how a province handles petitions."""


@petition.command()
@click.argument("slug")
@click.option(
    "--answer", "answers", multiple=True, metavar="KIND=DAYS", help="Working days to the answer, once per kind."
)
@click.option("--most-reopens", type=int, help="How often a citizen may reopen one.")
@click.option("--confirm-days", type=int, help="Within how many days.")
@click.option("--most-a-day", type=int, help="How many a citizen files a day.")
@data_dir_option
@json_option
def rules(
    slug: str,
    answers: tuple[str, ...],
    most_reopens: int | None,
    confirm_days: int | None,
    most_a_day: int | None,
    data_dir: Path,
    json_: bool,
) -> None:
    """Show the rules for petitions in SLUG, after changing what is given."""
    from govchat.cli.show import as_json, as_table

    days = _days(answers)
    told = asyncio.run(_rules(beside_up(data_dir), slug, days, most_reopens, confirm_days, most_a_day))
    if json_:
        as_json(told)
        return
    as_table(
        ("LOẠI", "CHUYỂN TRONG", "TRẢ LỜI TRONG", "MỞ LẠI", "XÁC NHẬN TRONG", "MỖI NGÀY"),
        [
            (kind, f"{one.forward_workdays} ngày làm việc", f"{one.answer_workdays} ngày làm việc", str(one.most_reopens),
             f"{one.confirm_days} ngày", str(one.most_a_day))
            for kind, one in told.items()
        ],
    )  # fmt: skip


@petition.command()
@click.argument("slug")
@data_dir_option
@json_option
def counts(slug: str, data_dir: Path, json_: bool) -> None:
    """Count SLUG's petitions by state, and those that are overdue."""
    from govchat.cli.show import as_json, as_table

    told = asyncio.run(_counts(beside_up(data_dir), slug))
    if json_:
        as_json(told)
    else:
        as_table(("TRẠNG THÁI", "SỐ PHẢN ÁNH"), [(state, str(count)) for state, count in told.items()])


def _days(answers: tuple[str, ...]) -> dict[str, int] | None:
    from govchat.errors import ConfigurationError

    days = {}
    for each in answers:
        kind, _, number = each.partition("=")
        if not number.isdecimal():
            raise ConfigurationError(f'--answer "{each}": cần LOẠI=SỐ_NGÀY, như scene=3')
        days[kind] = int(number)
    return days or None


async def _rules(
    settings: "Settings",
    slug: str,
    days: dict[str, int] | None,
    most_reopens: int | None,
    confirm_days: int | None,
    most_a_day: int | None,
) -> "dict[str, Rules]":
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.kit import clock
    from govchat.petitions.models import KINDS
    from govchat.petitions.rules import rules_of, settle

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            if (days, most_reopens, confirm_days, most_a_day) != (None, None, None, None):
                await settle(
                    session, tenant.id, actor=actor(), answer_workdays=days, most_reopens=most_reopens,
                    confirm_days=confirm_days, most_a_day=most_a_day,
                )  # fmt: skip
            return {kind: await rules_of(session, tenant.id, kind, clock.now()) for kind in KINDS}


async def _counts(settings: "Settings", slug: str) -> dict[str, int]:
    from govchat.cli.opened import opened
    from govchat.petitions.queries import counts as count

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await count(session, tenant.id)
