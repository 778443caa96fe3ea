"""How reading commands print: JSON for scripts, columns for people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import msgspec


def as_json(value: Any) -> None:
    """Indented JSON in UTF-8, whatever the terminal's encoding."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def as_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def moment(at: datetime | None) -> str:
    """A time to the second as the office's clock shows it, in Vietnamese time; a dash when there is none."""
    from govchat.kit.clock import VN

    return "-" if at is None else at.astimezone(VN).strftime("%Y-%m-%d %H:%M:%S%z")[:-2]
