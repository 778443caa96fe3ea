"""Asking Zalo about the Official Account (`getoa`) and keeping the answer for the checklist; no database connection is held meanwhile."""

import msgspec
from sqlalchemy.dialects.postgresql import insert

from govchat.kit import clock
from govchat.onboarding.checklist import ACCOUNT
from govchat.onboarding.line import Account
from govchat.onboarding.models import FactRow
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import AccessTokenInvalid, ZaloError
from govchat.zalo.replies import OaProfile


async def ask(registry: Registry, credentials: Credentials, zalo: ZaloClient, tenant: Tenant) -> Account:
    """What Zalo says of the account now. A refusal is kept like an answer; silence replaces nothing that Zalo has said before."""
    silent = False
    try:
        profile = await _profile(credentials, zalo, tenant)
    except CredentialRevoked:
        account = Account(asked_at=clock.now(), problem="chưa được cấp quyền")
    except CredentialBusy:
        account = Account(asked_at=clock.now(), problem="chưa đổi được mã truy cập")
        silent = True
    except ZaloError as error:
        account = Account(asked_at=clock.now(), code=error.code, problem=error.name)
        silent = error.code is None
    else:
        account = Account(
            asked_at=clock.now(),
            oa_id=profile.oa_id,
            name=profile.name,
            oa_type=profile.oa_type,
            is_verified=profile.is_verified,
            package_name=profile.package_name,
            package_valid_through=profile.package_valid_through,
            linked_zbs_account=profile.linked_zbs_account,
        )
    await _keep(registry, tenant, account, replace=not silent)
    return account


async def _keep(registry: Registry, tenant: Tenant, account: Account, *, replace: bool) -> None:
    stored = {"value": msgspec.to_builtins(account), "at": account.asked_at}
    fresh = insert(FactRow).values(tenant_id=tenant.id, name=ACCOUNT, **stored)
    async with registry.db.tenant(tenant.id) as session:
        await session.execute(
            fresh.on_conflict_do_update(index_elements=["tenant_id", "name"], set_=stored)
            if replace
            else fresh.on_conflict_do_nothing()
        )


async def _profile(credentials: Credentials, zalo: ZaloClient, tenant: Tenant) -> OaProfile:
    access = await credentials.access(tenant)
    try:
        return await zalo.get_oa(access.token)
    except AccessTokenInvalid:
        access = await credentials.access(tenant, not_generation=access.generation)
        return await zalo.get_oa(access.token)
