"""What applying manifests would do: compared with the database, before anything is written.

A conflict with what the database holds is found here, so that one refused manifest never leaves the others half applied.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit.ids import tenant_id_for
from govchat.tenants.difference import Change, changes_between
from govchat.tenants.manifest import Manifest
from govchat.tenants.models import TenantRecord, ZaloAppRow
from govchat.tenants.parts import Part, Waiting


class ManifestRefused(DomainError):
    """The database holds something that the manifest would take from another tenant."""

    status = 409
    code = "manifest_refused"
    title = "The manifest can't be applied"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying does to one tenant. `outcome` is `created`, `updated`, `unchanged`, or `closed` for one that is no longer changed."""

    slug: str
    outcome: str
    changes: tuple[Change, ...] = ()
    kept: tuple[Change, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def plain(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON gives it back, lists and not tuples: otherwise it never equals what is stored of it."""
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(manifest))
    if values["zalo"]["app"] == manifest.slug:
        values["zalo"]["app"] = None  # an app of one's own, called by its own name
    return values


def stored(row: TenantRecord, app: ZaloAppRow | None) -> dict[str, Any]:
    """The manifest that the database follows: as applied, with the wiring that the rows hold now."""
    try:
        values = plain(msgspec.convert(row.manifest, Manifest))  # with today's defaults for keys of a later day
    except msgspec.ValidationError:
        values = dict(row.manifest)
    zalo = {**values.get("zalo", {}), "app_id": row.app_id, "oa_id": row.oa_id}
    if app is not None:
        zalo |= {
            "app": None if app.key == row.slug else app.key,
            "signature": app.signature,
            "pkce_mode": app.pkce_mode,
            "app_requests_per_minute": app.requests_per_minute,
        }
    return {**values, "full_name": row.full_name, "zalo": zalo}


def plan_for(row: TenantRecord | None, app: ZaloAppRow | None, manifest: Manifest) -> Plan:
    """The manifest against the tenant's row and that row's app."""
    wanted = plain(manifest)
    if row is None:
        return Plan(slug=manifest.slug, outcome="created", changes=tuple(changes_between({}, wanted)))
    if row.state == "closed":
        return Plan(slug=manifest.slug, outcome="closed")
    changes = tuple(changes_between(stored(row, app), wanted))
    return Plan(slug=manifest.slug, outcome="updated" if changes else "unchanged", changes=changes)


async def plan(
    db: Database,
    manifest: Manifest,
    *,
    home: Path | None = None,
    parts: Sequence[Part] = (),
    overwrite: frozenset[str] = frozenset(),
) -> Plan:
    """What applying this manifest, and the parts in its folder `home`, would do now. Writes nothing."""
    tenant_id = tenant_id_for(manifest.slug)
    async with db.tenant(tenant_id) as session:
        row = await session.get(TenantRecord, tenant_id)
        app = None if row is None else await session.get(ZaloAppRow, row.app_id)
        found = plan_for(row, app, manifest)
        return await with_parts(session, found, home=home, parts=parts, overwrite=overwrite, actor="", write=False)


async def with_parts(
    session: AsyncSession,
    found: Plan,
    *,
    home: Path | None,
    parts: Sequence[Part],
    overwrite: frozenset[str],
    actor: str,
    write: bool,
) -> Plan:
    """The plan with what the files of the parts change; with `write` they do."""
    if home is None or found.outcome == "closed":
        return found
    changes, kept, waiting = list(found.changes), list(found.kept), list(found.waiting)
    for part in parts:
        path = home / part.file
        if path.exists():
            brought = await part.bring(
                session,
                tenant_id_for(found.slug),
                path,
                actor=actor,
                overwrite=part.name in overwrite,
                write=write,
            )
            changes += brought.changes
            kept += brought.kept
            waiting += brought.waiting
    outcome = "updated" if found.outcome == "unchanged" and changes else found.outcome
    return Plan(slug=found.slug, outcome=outcome, changes=tuple(changes), kept=tuple(kept), waiting=tuple(waiting))


async def in_order(db: Database, manifests: Sequence[Manifest]) -> list[Manifest]:
    """The manifests so that one that gives up an Official Account comes before the one that takes it.

    Raises `ManifestRefused` when a tenant outside of them, or one of a circle, holds what another wants.
    """
    async with db.registry() as session:
        rows = (await session.execute(select(TenantRecord.slug, TenantRecord.oa_id, TenantRecord.app_id))).all()
        keys = {row.key: row.app_id for row in await session.execute(select(ZaloAppRow.key, ZaloAppRow.app_id))}
    holders = {row.oa_id: row.slug for row in rows}
    wanted = {manifest.slug: manifest for manifest in manifests}
    for manifest in manifests:
        holder = holders.get(manifest.zalo.oa_id, manifest.slug)
        if holder != manifest.slug and (holder not in wanted or wanted[holder].zalo.oa_id == manifest.zalo.oa_id):
            raise ManifestRefused(
                f'"{manifest.slug}": oa_id {manifest.zalo.oa_id} đang thuộc đơn vị khác trong cơ sở dữ liệu, "{holder}": '
                f"sửa oa_id, hoặc áp dụng trước tệp của đơn vị nhường lại"
            )
        _refuse_taken_app(manifest, keys, {row.slug: row.app_id for row in rows}, wanted)
    return _sorted(list(manifests), holders)


def _refuse_taken_app(
    manifest: Manifest, keys: dict[str, str], app_of: dict[str, str], wanted: dict[str, Manifest]
) -> None:
    """A name of an app may pass to another app id once nobody stays with the old one."""
    held = keys.get(manifest.app_key)
    if held is None or held == manifest.zalo.app_id:
        return
    staying = [
        slug
        for slug, app_id in sorted(app_of.items())
        if app_id == held and (slug not in wanted or wanted[slug].zalo.app_id == held)
    ]
    if staying:
        raise ManifestRefused(
            f'"{manifest.slug}": tên ứng dụng "{manifest.app_key}" đang thuộc ứng dụng khác trong cơ sở dữ liệu, {held}, mà '
            f"{', '.join(staying[:3])} còn dùng: áp dụng cả tệp của các đơn vị ấy"
        )


def _sorted(left: list[Manifest], holders: dict[str, str]) -> list[Manifest]:
    done: list[Manifest] = []
    while left:
        slugs = {manifest.slug for manifest in left}
        free = [each for each in left if holders.get(each.zalo.oa_id, each.slug) not in slugs - {each.slug}]
        if not free:
            raise ManifestRefused(
                f"{', '.join(sorted(slugs))} đổi Official Account cho nhau theo vòng, mỗi OA đang thuộc đơn vị kia: tạm ghi cho một đơn vị "
                "oa_id khác, áp dụng, rồi ghi oa_id muốn có"
            )
        done += free
        left = [each for each in left if each not in free]
    return done
