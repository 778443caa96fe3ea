"""Which parts of `tenants/SLUG/` stand beside the manifest; each is made by the room that keeps it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from govchat.tenants.parts import Part

# What `--overwrite` takes: the names of `all_parts`, at hand without importing their rooms.
NAMES = ("wording",)


def all_parts() -> "tuple[Part, ...]":
    """Every part, in the order in which they are applied."""
    from govchat.conversation.wording_file import WORDING

    return (WORDING,)
