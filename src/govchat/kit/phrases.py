"""The sentences of a room: `wording/vi.toml` of its package, read once, with `{placeholders}` that are filled when one is said.

Within `overlaid`, a province's own sentences stand in their places: `<room>.<key>` each, checked by whoever lays them over. Where one has
little space, `wording/limits.toml` of the room says how many characters it may have.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})
_own: ContextVar[Mapping[str, str]] = ContextVar("phrases", default=_NONE)


@contextmanager
def overlaid(own: Mapping[str, str]) -> Iterator[None]:
    """Within, these sentences are said instead of the product's. Each task has its own."""
    token = _own.set(own)
    try:
        yield
    finally:
        _own.reset(token)


def phrases(package: str) -> Mapping[str, str]:
    """Every sentence of `govchat.<room>` by key, without the line break that opens a long one."""
    product, own = shipped(package), _own.get()
    if not own:
        return product
    room = f"{package.rpartition('.')[2]}."
    mine = {key.removeprefix(room): text for key, text in own.items() if key.startswith(room)}
    return {**product, **mine} if mine else product


def fill(package: str, key: str, **facts: str) -> str:
    """One sentence with its facts; a line all of whose facts are empty is left out. Raises KeyError for an unknown key or fact."""
    lines = []
    for line in phrases(package)[key].splitlines():
        said = line.format_map(facts)
        if said.strip() and (said == line or said != line.format_map(dict.fromkeys(facts, ""))):
            lines.append(said)
        elif not line.strip():
            lines.append("")
    return "\n".join(lines).strip()


def placeholders(text: str) -> frozenset[str]:
    """The names in braces; raises ValueError for braces that don't match."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@cache
def limits(package: str) -> Mapping[str, int]:
    """The keys of a room that have little space (a button, a line on paper) with the characters that there is room for."""
    path = files(package) / "wording" / "limits.toml"
    return MappingProxyType(tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})


@cache
def fixed(package: str) -> Mapping[str, str]:
    """The sentences of a room that nobody says otherwise: set by law, or said where no province is known."""
    return _read(package, "fixed.toml")


@cache
def shipped(package: str) -> Mapping[str, str]:
    """The product's own sentences of a room, whatever is laid over them."""
    return _read(package, "vi.toml")


def _read(package: str, name: str) -> Mapping[str, str]:
    table = tomllib.loads((files(package) / "wording" / name).read_text(encoding="utf-8"))
    return MappingProxyType({key: text.strip() for key, text in table.items()})
