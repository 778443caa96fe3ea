"""The sentences of a room: `wording/vi.toml` of its package, read once, with `{placeholders}` that are filled when one is said."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def phrases(package: str) -> Mapping[str, str]:
    """Every sentence of `govchat.<room>` by key, without the line break that opens a long one."""
    table = tomllib.loads((files(package) / "wording" / "vi.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: text.strip() for key, text in table.items()})


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
