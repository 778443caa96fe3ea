"""Zalo's verification files: `zalo_verifier<code>.html`, kept as the console gave them and served at the root of our address."""

import re

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from govchat.audit.record import note
from govchat.connect.models import VerifierRow
from govchat.errors import DomainError
from govchat.tenants.registry import Registry, Tenant

CODE = re.compile(r"zalo_verifier(?P<code>[A-Za-z0-9_-]{4,100})\.html")
_BARE = re.compile(r"[A-Za-z0-9_-]{4,100}")
LARGEST = 16 * 1024  # bytes; Zalo's files are a few hundred

# What the console's file holds: Zalo looks for its own property.
CONTENT = """<!DOCTYPE html>
<html lang="en">
<head>
    <meta property="zalo-platform-site-verification" content="{code}" />
</head>
<body>
There Is No Limit To What You Can Accomplish Using Zalo!
</body>
</html>
"""


class VerifierInvalid(DomainError):
    """That is no verification file of Zalo's."""

    status = 422
    code = "verifier_invalid"
    title = "That is no verification file of Zalo's"


def code_in(given: str) -> str:
    """The code in a file name, an address or as it is; raises `VerifierInvalid`."""
    name = given.strip().rsplit("/", 1)[-1]
    if named := CODE.fullmatch(name):
        return named["code"]
    if _BARE.fullmatch(given.strip()):  # a path to another file is no code
        return name
    raise VerifierInvalid(
        f'"{name[:80]}": cần tệp zalo_verifier….html như tải về từ developers.zalo.me → ứng dụng → Xác thực domain, hoặc mã trong tên tệp'
    )


def sound(content: str) -> str:
    """`content` of a downloaded file; raises `VerifierInvalid` for what is none."""
    if len(content.encode()) > LARGEST or "zalo-platform-site-verification" not in content:
        raise VerifierInvalid("tệp không có zalo-platform-site-verification: dùng nguyên tệp tải về từ trang của Zalo")
    return content


async def add(registry: Registry, tenant: Tenant, code: str, content: str | None, *, actor: str) -> None:
    """Serve this file from now on; `content` None makes it from the code."""
    values = {"content": content or CONTENT.format(code=code), "slug": tenant.slug, "added_by": actor}
    async with registry.db.tenant(tenant.id) as session:
        await session.execute(
            insert(VerifierRow).values(code=code, **values).on_conflict_do_update(index_elements=["code"], set_=values)
        )
        await note(session, tenant.id, actor=actor, act="verifier.added", subject=code, after={"code": code})


async def remove(registry: Registry, tenant: Tenant, code: str, *, actor: str) -> bool:
    """Serve it no longer; False when it wasn't."""
    async with registry.db.tenant(tenant.id) as session:
        found = await session.scalar(delete(VerifierRow).where(VerifierRow.code == code).returning(VerifierRow.code))
        if found is not None:
            await note(session, tenant.id, actor=actor, act="verifier.removed", subject=code, before={"code": code})
    return found is not None


async def content_of(registry: Registry, code: str) -> str | None:
    """What is served for `code`."""
    async with registry.db.registry() as session:
        return await session.scalar(select(VerifierRow.content).where(VerifierRow.code == code))


async def listed(registry: Registry) -> list[VerifierRow]:
    """Every file, by province."""
    async with registry.db.registry() as session:
        return list(await session.scalars(select(VerifierRow).order_by(VerifierRow.slug, VerifierRow.code)))
