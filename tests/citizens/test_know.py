"""What is known of a citizen moves forward only, and is known to one province alone."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from govchat.citizens import know
from govchat.db.session import Database
from govchat.kit import clock
from govchat.tenants.registry import Registry


async def field(db: Database, tenant: UUID, citizen: UUID, name: str) -> object:
    async with db.tenant(tenant) as session:
        return await session.scalar(text(f"SELECT {name} FROM citizens WHERE id = :id"), {"id": citizen})


async def test_the_last_interaction_never_moves_back(db: Database, registry: Registry) -> None:
    tenant, user, now = registry.by_slug("an-giang").id, str(uuid4()), clock.now()
    for at in (now, now - timedelta(hours=1), None):
        async with db.tenant(tenant) as session:
            citizen = await know.know(session, tenant, user, by_app=None, interacted_at=at)
    assert await field(db, tenant, citizen.id, "last_interaction_at") == now


async def test_the_id_by_app_is_kept_once_known(db: Database, registry: Registry) -> None:
    tenant, user = registry.by_slug("an-giang").id, str(uuid4())
    for by_app in ("app-1", None):
        async with db.tenant(tenant) as session:
            citizen = await know.know(session, tenant, user, by_app=by_app, interacted_at=None)
    assert await field(db, tenant, citizen.id, "user_id_by_app") == "app-1"


async def test_an_older_follow_event_that_comes_later_changes_nothing(db: Database, registry: Registry) -> None:
    tenant, now = registry.by_slug("an-giang").id, clock.now()
    async with db.tenant(tenant) as session:
        citizen = await know.know(session, tenant, str(uuid4()), by_app=None, interacted_at=None)
        await know.note_follow(session, tenant, citizen.id, follows=False, at=now)
        await know.note_follow(session, tenant, citizen.id, follows=True, at=now - timedelta(seconds=1))
    assert await field(db, tenant, citizen.id, "follows") is False


async def test_the_same_zalo_id_is_somebody_else_in_another_province(db: Database, registry: Registry) -> None:
    one, two, user = registry.by_slug("an-giang").id, registry.by_slug("ca-mau").id, str(uuid4())
    found = []
    for tenant in (one, two):
        async with db.tenant(tenant) as session:
            found.append(await know.know(session, tenant, user, by_app=None, interacted_at=None))
    assert found[0].id != found[1].id
    async with db.tenant(two) as session:
        assert await know.zalo_id_of(session, two, found[0].id) is None
        assert await know.zalo_id_of(session, two, found[1].id) == user
