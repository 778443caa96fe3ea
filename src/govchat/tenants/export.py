"""What the database holds of a tenant, written back to files: its manifest and what admins edited since.

A file that says the same already is left as it is, comments included; a manifest that says something else is only replaced when told to.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit.oserror import reason
from govchat.tenants.difference import Change, changes_between
from govchat.tenants.manifest import Manifest, read_one
from govchat.tenants.parts import Part
from govchat.tenants.plan import plain
from govchat.tenants.registry import Tenant
from govchat.tenants.schema import MANIFEST_FILE
from govchat.tenants.write import manifest_text, values_of


class ExportRefused(DomainError):
    """The files can't be written."""

    status = 409
    code = "export_refused"
    title = "The tenant can't be exported"


class Exported(msgspec.Struct, frozen=True):
    """One file: `written`, `unchanged`, or `kept` when it says something that was never applied (`changes` file → database)."""

    file: str
    outcome: Literal["written", "unchanged", "kept"]
    changes: tuple[Change, ...] = ()


async def export(
    db: Database, tenant: Tenant, folder: Path, *, parts: Sequence[Part] = (), replace_manifest: bool = False
) -> list[Exported]:
    """Write `folder/SLUG/`. Every text is made before the first file is touched; raises `ExportRefused`, `ConfigurationError`."""
    home = folder / tenant.slug
    exported = [_manifest(home / MANIFEST_FILE, tenant.manifest, replace=replace_manifest)]
    texts = {home / MANIFEST_FILE: manifest_text(values_of(tenant.manifest))}
    async with db.tenant(tenant.id) as session:
        for part in parts:
            path = home / part.file
            text = await part.export(session, tenant.id, path)
            if text is None and not path.exists():
                continue  # nothing to say, nothing said
            exported.append(Exported(path.as_posix(), "unchanged" if text is None else "written"))
            texts[path] = text or ""
    _write(
        {path: text for each, (path, text) in zip(exported, texts.items(), strict=True) if each.outcome == "written"}
    )
    return exported


def _manifest(path: Path, manifest: Manifest, *, replace: bool) -> Exported:
    if not path.exists():
        return Exported(path.as_posix(), "written")
    book = read_one(path)
    if book.manifests and book.manifests[0] == manifest:
        return Exported(path.as_posix(), "unchanged")
    changes = tuple(changes_between(plain(book.manifests[0]), plain(manifest))) if book.manifests else ()
    return Exported(path.as_posix(), "written" if replace else "kept", changes)


def _write(texts: dict[Path, str]) -> None:
    """All or none: written beside their places first, then put there."""
    beside = {path: path.with_name(f".{path.name}.new") for path in texts}
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside[path].write_text(text, encoding="utf-8", newline="\n")
        for path, new in beside.items():
            new.replace(path)
    except OSError as error:
        raise ExportRefused(
            f"{error.filename}: không ghi được ({reason(error)}); chọn thư mục ghi được bằng --to"
        ) from None
    finally:
        for new in beside.values():
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
