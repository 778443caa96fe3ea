"""API keys: shown once, kept as a hash, recognised inside their own province alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from govchat.access import keys
from govchat.access.models import ApiKeyRow
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
        async with registry.db.tenant(tenant.id) as session:
            assert (await keys.recognise(session, tenant.id, made.key)).mode == mode


async def test_a_key_is_unknown_in_another_provinces_session(registry: Registry) -> None:
    made = await made_key(registry)
    ours, other = registry.by_slug(SLUG), registry.by_slug("dien-bien")
    for tenant_id in (other.id, ours.id):
        async with registry.db.tenant(other.id) as session:
            with pytest.raises(keys.Unauthenticated):
                await keys.recognise(session, tenant_id, made.key)


async def test_the_last_use_is_noted_once_a_minute(registry: Registry) -> None:
    made = await made_key(registry)
    tenant = registry.by_slug(SLUG)

    async def used() -> object:
        async with registry.db.tenant(tenant.id) as session:
            await keys.recognise(session, tenant.id, made.key)
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
