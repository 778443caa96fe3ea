"""API keys: shown once, kept as a hash, recognised inside their own province alone."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from govchat.access import keys
from govchat.access.models import ApiKeyRow
from govchat.access.recognise import Doorman
from govchat.access.revoke import revoke
from govchat.kit import clock
from govchat.tenants.registry import Registry

SLUG = "lai-chau"


async def made_key(registry: Registry, **given: bool) -> keys.NewKey:
    tenant = registry.by_slug(SLUG)
    async with registry.db.tenant(tenant.id) as session:
        return await keys.create(
            session, tenant_id=tenant.id, slug=SLUG, tag=tenant.key_tag, scopes=("dossiers:read",), **given
        )


async def test_the_database_holds_nothing_from_which_a_key_could_be_made(registry: Registry) -> None:
    made = await made_key(registry)
    tenant = registry.by_slug(SLUG)
    async with registry.db.tenant(tenant.id) as session:
        row = (await session.scalars(select(ApiKeyRow).where(ApiKeyRow.prefix == made.prefix))).one()
    assert made.key.startswith(made.prefix)
    assert len(made.key) - len(made.prefix) >= 24
    assert made.key[len(made.prefix) :].encode() not in repr([vars(row)]).encode()


async def test_the_mode_is_written_in_the_key_and_kept(registry: Registry) -> None:
    tenant = registry.by_slug(SLUG)
    for test, mode in ((False, "live"), (True, "test")):
        made = await made_key(registry, test=test)
        assert made.key.startswith(f"gvc_{mode}_")
        assert (await Doorman(registry.db).recognise(tenant.id, made.key)).mode == mode


async def test_a_key_is_unknown_in_another_province_also_beside_its_own(registry: Registry) -> None:
    made = await made_key(registry)
    ours, other = registry.by_slug(SLUG), registry.by_slug("dien-bien")
    doorman = Doorman(registry.db)
    places = [other.id, ours.id] * 8
    found = await asyncio.gather(
        *(doorman.recognise(tenant_id, made.key) for tenant_id in places), return_exceptions=True
    )
    for tenant_id, who in zip(places, found, strict=True):
        if tenant_id == ours.id:
            assert isinstance(who, keys.Caller)
            assert (who.tenant_id, who.prefix) == (ours.id, made.prefix)
        else:
            assert isinstance(who, keys.Unauthenticated)


async def test_a_revoked_key_is_refused_from_the_next_request_on(registry: Registry) -> None:
    made = await made_key(registry)
    tenant = registry.by_slug(SLUG)
    doorman = Doorman(registry.db)
    await asyncio.gather(*(doorman.recognise(tenant.id, made.key) for _ in range(40)))
    async with registry.db.tenant(tenant.id) as session:
        await revoke(session, tenant.id, made.prefix)
    with pytest.raises(keys.Unauthenticated):
        await doorman.recognise(tenant.id, made.key)


async def test_the_last_use_is_noted_once_a_minute(registry: Registry) -> None:
    made = await made_key(registry)
    tenant = registry.by_slug(SLUG)

    async def used() -> object:
        await Doorman(registry.db).recognise(tenant.id, made.key)
        async with registry.db.tenant(tenant.id) as session:
            return await session.scalar(select(ApiKeyRow.last_used_at).where(ApiKeyRow.prefix == made.prefix))

    first = await used()
    assert first is not None
    assert await used() == first
    with clock.shifted(timedelta(minutes=2)):
        assert await used() != first


async def test_a_scope_that_does_not_exist_is_named(registry: Registry) -> None:
    tenant = registry.by_slug(SLUG)
    async with registry.db.tenant(tenant.id) as session:
        with pytest.raises(
            keys.ScopeUnknown, match='scope "dossiers:all" does not exist: expected some of dossiers:read'
        ):
            await keys.create(session, tenant_id=tenant.id, slug=SLUG, tag="x", scopes=("dossiers:all",))
