"""`govchat tenant rehearse`: the dress rehearsal of one province and its report. What is printed is read by provincial staff."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from govchat.cli.manifests import tenants_option
from govchat.cli.settings import data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from govchat.rehearsal.report import Report
    from govchat.settings import Settings
    from govchat.tenants.manifest import Manifest


@click.command()
@click.argument("slug")
@tenants_option(help="The folder of the manifests.  [default: that of the running stack, else tenants]")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file too, to be printed."
)
@click.option("--small", is_flag=True, help="20 citizens and 120 dossiers: faster, and proves less.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@data_dir_option
def rehearse(slug: str, tenants: Path | None, html: Path | None, small: bool, json_: bool, data_dir: Path) -> None:
    """Play SLUG's whole story against the false Zalo, in a scratch database.

    Connect, catalogue, 1,000 dossiers, 200 citizens who follow, ask, subscribe and are told, a broadcast, a lost token, a lost webhook; in
    the end it is proven that nothing was said twice and no other province touched. Reads SLUG's folder alone: real data and credentials
    stay closed. Works beside a running stack and without one. Exits with 1 when anything failed.
    """
    from govchat.cli.show import as_json
    from govchat.rehearsal.paper import paper
    from govchat.rehearsal.terminal import page

    settings, manifest = _prepared(slug, tenants, data_dir)
    if html is not None and not html.absolute().parent.is_dir():
        raise ConfigurationError(
            f"--html {html}: không có thư mục {html.absolute().parent}; tạo thư mục hoặc chọn nơi khác"
        )
    report = _run(settings, manifest, data_dir, small=small)
    if html is not None:
        html.write_text(paper(report), encoding="utf-8")
    if json_:
        as_json(report)
    else:
        click.echo("\n".join(["", *page(report)]))
        if html is not None:
            click.echo(f"Bản in: {html}")
    sys.exit(0 if report.ok else 1)


def _prepared(slug: str, tenants: Path | None, data_dir: Path) -> "tuple[Settings, Manifest]":
    """Settings with the servers there are, and the sound manifest; prints its mistakes and raises `ConfigurationError` otherwise."""
    import msgspec

    from govchat.cli.manifests import all_findings, read
    from govchat.local.stack import URLS, load, read_stack
    from govchat.settings import Settings

    beside = read_stack(data_dir) is not None or any(os.environ.get(name, "").strip() for name in URLS)
    settings = Settings.from_env(load(os.environ, data_dir) if beside else os.environ)
    settings = msgspec.structs.replace(settings, tenants_dir=tenants or settings.tenants_dir)
    book = read(settings.tenants_dir, slug)
    manifest = book.of(slug)
    home = settings.tenants_dir / slug
    findings = [found for found in all_findings(settings.tenants_dir, book) if Path(found.file).parent == home]
    for found in findings:
        click.echo(str(found), err=True)
    if manifest is None or findings:
        raise ConfigurationError(f"chưa diễn tập được: sửa các chỗ trên rồi chạy lại `govchat tenant check {slug}`")
    return settings, manifest


def _run(settings: "Settings", manifest: "Manifest", data_dir: Path, *, small: bool) -> "Report":
    from govchat.rehearsal.cast import FULL, SMALL
    from govchat.rehearsal.rehearse import rehearse as play

    def say(line: str) -> None:
        click.echo(line, err=True)

    logs = data_dir / "logs"
    folder = logs if logs.is_dir() and os.access(logs, os.W_OK) else Path(tempfile.gettempdir())
    log_file = folder / f"rehearsal-{manifest.slug}.log"
    running = play(settings, manifest, data_dir=data_dir, log_file=log_file, say=say, size=SMALL if small else FULL)
    try:
        return _in_loop(running)
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("đã dừng; cơ sở dữ liệu tạm đã được xóa", err=True)
        sys.exit(130)


def _in_loop(running: "Coroutine[Any, Any, Report]") -> "Report":
    if sys.platform == "win32":
        return asyncio.run(running)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(running)
