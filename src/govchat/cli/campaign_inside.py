"""What commands about campaigns share: options, who acts, and one transaction of the province."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from govchat.cli.actor import actor
from govchat.cli.settings import beside_up

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from govchat.kit.crypto import TenantVault
    from govchat.tenants.registry import Registry, Tenant

T = TypeVar("T")
json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
as_option = click.option("--as", "who", metavar="NAME", help="Who does it, for the record.  [default: your login]")
Act = Callable[["AsyncSession", "TenantVault", "Tenant"], Awaitable[T]]


async def in_one(registry: "Registry", slug: str, act: "Act[T]") -> T:
    """`act` in one transaction of the province."""
    tenant = registry.by_slug(slug)
    vault = await registry.tenant_vault(tenant.id)
    async with registry.db.tenant(tenant.id) as session:
        return await act(session, vault, tenant)


def person(who: str | None) -> str:
    """Who does it, as the audit trail names them."""
    return f"cli:{who.strip()}" if who and who.strip() else actor()


def inside(data_dir: Path, slug: str, act: "Act[T]") -> T:
    """`act` in one transaction of the province."""

    async def run() -> T:
        from govchat.cli.opened import opened

        async with opened(beside_up(data_dir)) as registry:
            return await in_one(registry, slug, act)

    return asyncio.run(run())
