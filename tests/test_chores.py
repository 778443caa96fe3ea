"""What is done every so often is done for everybody, whoever of them gives trouble."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from govchat import chores
from govchat.errors import DomainError
from govchat.kit.ids import new_id


async def test_one_provinces_trouble_is_not_the_others() -> None:
    tenants = {new_id(): SimpleNamespace(slug=f"province-{number}") for number in range(3)}
    registry = cast("Any", SimpleNamespace(now=SimpleNamespace(tenants=tenants)))
    first, *others = tenants
    done: list[UUID] = []

    async def act(tenant_id: UUID) -> None:
        if tenant_id == first:
            raise DomainError("its key is gone")
        done.append(tenant_id)

    await chores._each(registry, act)
    assert done == others
    await chores._each(registry, act, [others[1], first, others[0]])
    assert done[2:] == [others[1], others[0]]
