"""What files and tenant admins may both write: wording, procedures, templates. The rooms above hand theirs in as a `Part`.

Applying brings a part's file into the database and keeps what admins edited; exporting writes their edits back to the file.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.tenants.difference import Change


class Waiting(msgspec.Struct, frozen=True):
    """What a file says and can't be brought yet; `why` is Vietnamese and holds the way out."""

    field: str
    why: str


class Brought(msgspec.Struct, frozen=True):
    """What a file changes, and what it doesn't: an admin edited it (`before` is theirs, `after` the file's), or it has to wait."""

    changes: tuple[Change, ...] = ()
    kept: tuple[Change, ...] = ()
    waiting: tuple[Waiting, ...] = ()


class Bring(Protocol):
    """Brings the file at `path` into the tenant's rows; with `write` False it only tells what it would do."""

    async def __call__(
        self, session: AsyncSession, tenant_id: UUID, path: Path, *, actor: str, overwrite: bool, write: bool
    ) -> Brought: ...


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part: `name` is what `--overwrite` takes, `file` its place in `tenants/SLUG/`.

    `export` answers the file's new text, given the file as it is, or None when it says the same already.
    """

    name: str
    file: str
    bring: Bring
    export: Callable[[AsyncSession, UUID, Path], Awaitable[str | None]]
