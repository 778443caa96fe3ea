"""Which parts of `tenants/SLUG/` stand beside the manifest; each is made by the room that keeps it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from govchat.tenants.findings import Finding
    from govchat.tenants.parts import Part

# What `--overwrite` takes: the names of `all_parts`, at hand without importing their rooms.
NAMES = ("wording",)


def all_parts() -> "tuple[Part, ...]":
    """Every part, in the order in which they are applied."""
    from govchat.conversation.wording_part import WORDING

    return (WORDING,)


def check_parts(home: Path) -> "list[Finding]":
    """What is wrong in the files beside a manifest; reads files alone, so that checking needs no database."""
    from govchat.conversation import wording_file

    return wording_file.check(home / wording_file.FILE)
