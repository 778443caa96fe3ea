"""Where the running stack is: `up` writes its addresses into the data folder, every other command reads them there.

The file holds passwords and lives, readable by its owner alone, only as long as the stack runs.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from govchat.errors import ConfigurationError
from govchat.local.folder import STACK, locked, write_private

URLS = ("GOVCHAT_DATABASE_URL", "GOVCHAT_REDIS_URL")


class Stack(msgspec.Struct, frozen=True):
    """A running stack: the pid of its `up` and the `GOVCHAT_*` variables that lead to it."""

    pid: int
    environ: dict[str, str]


def write_stack(data_dir: Path, environ: Mapping[str, str]) -> None:
    """Say where the stack of this process is; only `GOVCHAT_*` variables are kept."""
    kept = {name: value for name, value in environ.items() if name.startswith("GOVCHAT_")}
    write_private(data_dir / STACK, msgspec.json.encode(Stack(os.getpid(), kept)))


def read_stack(data_dir: Path) -> Stack | None:
    """The stack running on this data folder, or None. Raises `ConfigurationError` when its file can't be read."""
    path = data_dir / STACK
    try:
        if not locked(data_dir):
            return None
        return msgspec.json.decode(path.read_bytes(), type=Stack)
    except FileNotFoundError:
        return None  # still starting, or just ending
    except PermissionError:
        raise ConfigurationError(
            f"{path} belongs to another user: run this command as the user who ran `govchat up`, or set {' and '.join(URLS)}"
        ) from None
    except msgspec.DecodeError:
        raise ConfigurationError(f"{path} is damaged: end `govchat up` and start it again") from None


def load(environ: Mapping[str, str], data_dir: Path) -> Mapping[str, str]:
    """`environ`, completed by what the stack running on `data_dir` says; what is set explicitly wins.

    A stack whose servers are not those of `environ` adds nothing. Raises `ConfigurationError` when no servers are known.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    missing = [name for name in URLS if name not in given]
    stack = read_stack(data_dir)
    if stack is None:
        if missing:
            raise ConfigurationError(
                f"no running stack in {data_dir}: start it with `govchat up`, or set GOVCHAT_DATABASE_URL and GOVCHAT_REDIS_URL"
            )
        return environ
    other = [name for name in URLS if name in given and given[name] != stack.environ.get(name)]
    if not other:
        return {**environ, **stack.environ, **given}
    if missing:
        raise ConfigurationError(
            f"{other[0]} points elsewhere than the stack running in {data_dir}: set {missing[0]} too, or unset {other[0]}"
        )
    return environ
