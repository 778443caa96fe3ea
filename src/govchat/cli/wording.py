"""`govchat wording`: the sentences of a province shown, tried on sample data and put into its own words."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.conversation.overrides import Edit
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
_LARGEST = 64 * 1024


@click.group()
def wording() -> None:
    """Show and change what a province says to its citizens."""


@wording.command()
@click.argument("slug")
@click.argument("key", required=False)
@data_dir_option
@json_option
def show(slug: str, key: str | None, data_dir: Path, json_: bool) -> None:
    """List every sentence of SLUG, or KEY with its versions.

    A star marks a sentence in the province's own words, an exclamation mark one that the product can't use any more.
    """
    from govchat.cli.show import as_json, as_table, moment
    from govchat.conversation.overrides import refuse_unknown
    from govchat.conversation.wording import KEYS, vietnamese
    from govchat.conversation.wording_flaws import flaw_of

    settings = beside_up(data_dir)
    product = vietnamese().texts
    if key is None:
        held = asyncio.run(_edits(settings, slug))
        own = {name: edit for name, edit in held.items() if edit.text is not None}
        flaws = {name: flaw_of(name, edit.text) for name, edit in own.items()}
        rows = [
            {
                "key": name,
                "text": own[name].text if name in own else product[name],
                "own": name in own,
                "placeholders": sorted(KEYS.get(name, ())),
                "edited_by": own[name].edited_by if name in own else None,
                "unusable": flaws.get(name),
            }
            for name in (*KEYS, *(name for name in own if name not in KEYS))
        ]
        if json_:
            as_json(rows)
            return
        as_table(
            ("KEY", "OWN", "TEXT"),
            [
                (
                    str(row["key"]),
                    _mark(bool(row["own"]), bool(row["unusable"])),
                    " ".join(str(row["text"]).split())[:90],
                )
                for row in rows
            ],
        )
        return
    refuse_unknown(key)
    versions = asyncio.run(_history(settings, slug, key))
    if json_:
        as_json({"key": key, "product": product[key], "placeholders": sorted(KEYS[key]), "versions": versions})
        return
    click.echo(f"{key}  {', '.join(f'{{{name}}}' for name in sorted(KEYS[key])) or 'không có chỗ điền'}")
    click.echo(f"câu chung:\n{_indented(product[key])}")
    for edit in versions:
        click.echo(f"lần {edit.version}, {moment(edit.edited_at)}, {edit.edited_by} ({edit.source}):")
        click.echo(_indented(edit.text) if edit.text is not None else "  (dùng lại câu chung)")


@wording.command(name="set")
@click.argument("slug")
@click.argument("key")
@click.argument("text", required=False)
@click.option("--reset", is_flag=True, help="Say the product's sentence again.")
@data_dir_option
def set_(slug: str, key: str, text: str | None, reset: bool, data_dir: Path) -> None:
    """Let SLUG say KEY as TEXT, or as standard input says.

    In use within seconds, without a restart. Refused when a place to fill in is missing or unknown. Prints the
    sentence as a citizen will read it.
    """
    if reset and text is not None:
        raise ConfigurationError("ghi TEXT hoặc --reset, không ghi cả hai")
    settings = beside_up(data_dir)
    click.echo(asyncio.run(_set(settings, slug, key, None if reset else _given(text))))


@wording.command()
@click.argument("slug")
@click.argument("key")
@click.argument("text", required=False)
@click.option("--stdin", is_flag=True, help="Try the sentence that stands on standard input.")
@data_dir_option
def preview(slug: str, key: str, text: str | None, stdin: bool, data_dir: Path) -> None:
    """Show KEY filled with sample data: TEXT if given, else what SLUG says now. Changes nothing."""
    settings = beside_up(data_dir)
    click.echo(asyncio.run(_preview(settings, slug, key, _given(None) if stdin else text)))


def _mark(own: bool, unusable: bool) -> str:
    return "!" if unusable else "*" if own else ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _given(text: str | None) -> str:
    """The text of the command line, else of standard input, with Unix line ends."""
    if text is None:
        if sys.stdin is None or sys.stdin.isatty():
            raise ConfigurationError("give the sentence as TEXT, or through a pipe on standard input")
        raw = sys.stdin.buffer.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise ConfigurationError("standard input is longer than any sentence: give the sentence alone")
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigurationError("câu không phải văn bản UTF-8: hãy lưu bằng UTF-8") from None
    return text.replace("\r\n", "\n").strip()


async def _edits(settings: "Settings", slug: str) -> "dict[str, Edit]":
    from govchat.cli.opened import opened
    from govchat.conversation.overrides import edits

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await edits(session, tenant.id)


async def _history(settings: "Settings", slug: str, key: str) -> "list[Edit]":
    from govchat.cli.opened import opened
    from govchat.conversation.overrides import history

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await history(session, tenant.id, key)


async def _set(settings: "Settings", slug: str, key: str, text: str | None) -> str:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.conversation.facts import facts_of
    from govchat.conversation.overrides import edits, set_wording, wording_of
    from govchat.conversation.wording_preview import preview as previewed
    from govchat.kit import clock

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            changed = await set_wording(session, tenant.id, key, text, actor=actor())
            said = wording_of(tenant.id, await edits(session, tenant.id))
        shown = previewed(facts_of(tenant, registry.now, clock.now().astimezone(clock.VN).date()), said, key)
        return f"{'đã lưu' if changed else 'không có gì thay đổi'}; người dân sẽ đọc:\n{_indented(shown)}"


async def _preview(settings: "Settings", slug: str, key: str, text: str | None) -> str:
    from govchat.cli.opened import opened
    from govchat.conversation.facts import facts_of
    from govchat.conversation.overrides import edits, wording_of
    from govchat.conversation.wording_preview import preview as previewed
    from govchat.kit import clock

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            said = wording_of(tenant.id, await edits(session, tenant.id))
        return previewed(facts_of(tenant, registry.now, clock.now().astimezone(clock.VN).date()), said, key, text)
