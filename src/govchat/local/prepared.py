"""Whether there is anything to prepare: what preparing starts from and what it left in the database, told in two short strings.

Preparing twice changes nothing. So a start that finds both as the last one left them leaves it out, with all the modules that it
takes. Any other manifest, any file of the program that was touched and any row that is not as it was leads through all of it again.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

import govchat
from govchat.local.folder import write_private
from govchat.settings import Settings

FILE = "prepared.json"

# What applying manifests compares, and the revision; neither table belongs to a tenant.
SHARED = """
    SELECT (SELECT string_agg(version_num, ' ' ORDER BY version_num) FROM alembic_version),
           (SELECT md5(string_agg(md5(concat_ws(' ', app_id, key, signature, pkce_mode, requests_per_minute)), ' ' ORDER BY app_id))
            FROM zalo_apps)
"""
TENANTS = "SELECT id, oa_id, md5(concat_ws(' ', slug, state = 'closed', app_id, full_name, manifest)) AS row FROM tenants ORDER BY id"
OF_TENANT = """
    SELECT EXISTS (SELECT FROM tenant_keys WHERE tenant_id = $1),
           EXISTS (SELECT FROM oa_credentials
                   WHERE tenant_id = $1 AND oa_id = $2 AND state = 'ok' AND refresh_token_sealed IS NOT NULL),
           EXISTS (SELECT FROM dossiers WHERE tenant_id = $1)
"""


class Mark(msgspec.Struct, frozen=True):
    """What the last preparation started from, what it left, and the sample codes it told."""

    inputs: str
    seed: bool
    left: str
    codes: list[str] = []


def inputs(settings: Settings) -> str:
    """The digest of all that preparing starts from but the database: settings, the tenants' files, the program itself."""
    role = urlsplit(settings.database_url).username
    digest = hashlib.sha256(repr((settings.env, role, settings.master_keys)).encode())
    for path in _files(settings.tenants_dir):
        digest.update(f"\n{path.relative_to(settings.tenants_dir)}\n".encode())
        digest.update(path.read_bytes())
    for path in _files(Path(govchat.__file__).parent):
        found = path.stat()
        digest.update(f"\n{path} {found.st_size} {found.st_mtime_ns}".encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(place, name) for name in sorted(names))


async def look(migration_database_url: str) -> str:
    """The digest of what preparing looks at in the database; empty where it was never prepared."""
    connection = await asyncpg.connect(migration_database_url.replace("postgresql+asyncpg://", "postgresql://", 1))
    try:
        digest = hashlib.sha256(repr(await connection.fetchrow(SHARED)).encode())
        for tenant in await connection.fetch(TENANTS):
            # The owner sees no more of a tenant's rows than anybody else.
            await connection.execute(f"SELECT set_config('govchat.tenant_id', '{tenant['id']}', false)")
            found = await connection.fetchrow(OF_TENANT, tenant["id"], tenant["oa_id"])
            digest.update(repr((tenant, found)).encode())
    except asyncpg.PostgresError:  # no tables, or not those of today
        return ""
    finally:
        await connection.close()
    return digest.hexdigest()


def recall(folder: Path) -> Mark | None:
    """What the last preparation in this data folder left; None when there was none or it can't be read."""
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Mark)
    return None


def keep(folder: Path, mark: Mark) -> None:
    """Write it down for the next start."""
    write_private(folder / FILE, msgspec.json.encode(mark))


def forget(folder: Path) -> None:
    """Before anything is changed: a preparation that is broken off leaves no mark."""
    (folder / FILE).unlink(missing_ok=True)
