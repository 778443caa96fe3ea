"""`python -m govchat.openapi.write docs/openapi.json`: the description as the committed file that reviewers and clients compare."""

import importlib
import sys
from pathlib import Path

import msgspec

from govchat.settings import Settings


def rendered() -> str:
    """The description of this code, keys in order, ending in a newline."""
    # A developer's command: the app stands a floor above, so it is named and never imported with this room.
    create_app = importlib.import_module("govchat.app").create_app
    schema = create_app(Settings(master_keys=("describes-only",))).openapi_schema.to_schema()
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2).decode() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(rendered())
