"""A dossier, people who follow it, and what the outbox holds for them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import event, text
from tests.db.rows import BY_NAME, make

from govchat.citizens import know
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.notices import follow
from govchat.notices.change import Change
from govchat.notices.plan import plan
from govchat.outbox.put import body_context
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo import outgoing
from govchat.zalo.outgoing import Outgoing

# Noon in Vietnam, whenever the tests run.
NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
PHONE = "0987654321"
_numbers = itertools.count(1)


class Stage:
    """One province's database, with acts in a transaction of their own each."""

    def __init__(self, db: Database, tenant: Tenant, vault: TenantVault) -> None:
        self.db, self.tenant, self.vault = db, tenant, vault
        self.id = tenant.id

    @classmethod
    async def open(cls, registry: Registry, slug: str) -> "Stage":
        tenant = registry.by_slug(slug)
        return cls(registry.db, tenant, await registry.tenant_vault(tenant.id))

    async def dossier(self, *, phone: str | None = None) -> Change:
        """A dossier that has just been accepted, as a change."""
        number = next(_numbers)
        code = f"H99.{number:04}-261103-{number % 10_000:04}"
        index = self.vault.index(phone, "phone") if phone else None
        async with self.db.tenant(self.id) as session:
            row = await make(
                session, BY_NAME["dossiers"], self.id, code=code, code_key=f"k{uuid4().hex}", phone_index=index,
                secret_hash=b"secret",
            )  # fmt: skip
        return Change(
            dossier_id=row["id"], code=code, number=1, old_status=None, status=2, unit="Sở Xây dựng", officer="Trần Văn An",
            procedure_code="1.013225", procedure_name="Cấp giấy phép xây dựng mới", received_at=NOON - timedelta(days=3),
            due_at=NOON + timedelta(days=9), changed_at=NOON, flags=frozenset(), applicant_name="Trịnh Thị Phương Hiền", note=None,
            phone_index=index, results=(),
        )  # fmt: skip

    async def citizen(
        self, *, spoke: timedelta | None = timedelta(minutes=1), user: str = "", now: datetime = NOON
    ) -> know.Citizen:
        """Somebody who last spoke that long ago."""
        at = None if spoke is None else now - spoke
        async with self.db.tenant(self.id) as session:
            return await know.know(session, self.id, user or str(uuid4()), by_app=None, interacted_at=at)

    async def prove(self, citizen: know.Citizen, change: Change, by: str = "secret") -> None:
        """They have proved the dossier."""
        proof = change.phone_index if by == "phone" else b"secret"
        async with self.db.tenant(self.id) as session:
            if by == "phone":
                await know.note_phone(session, self.id, citizen.id, proof or b"", NOON)
            await make(
                session, BY_NAME["dossier_proofs"], self.id, citizen_id=citizen.id, dossier_id=change.dossier_id,
                proved_by=by, proof_hash=proof, proved_at=NOON,
            )  # fmt: skip

    async def follower(self, change: Change, *, by: str = "secret", **how: Any) -> know.Citizen:
        """Somebody who follows the dossier."""
        citizen = await self.citizen(**how)
        await self.prove(citizen, change, by)
        async with self.db.tenant(self.id) as session:
            assert await follow.subscribe(session, self.id, citizen.id, at=NOON, evidence="event:1")
        return citizen

    async def plan(self, *changes: Change, now: datetime = NOON, test: bool = False) -> list[int]:
        async with self.db.tenant(self.id) as session:
            return await plan(session, self.vault, self.id, changes, now=now, test=test)

    async def rows(self, sql: str, **given: Any) -> list[Any]:
        async with self.db.tenant(self.id) as session:
            return list((await session.execute(text(sql), {"tenant": self.id, **given})).all())

    async def run(self, sql: str, **given: Any) -> None:
        async with self.db.tenant(self.id) as session:
            await session.execute(text(sql), {"tenant": self.id, **given})

    async def notices(self, change: Change) -> list[Any]:
        """The decisions on one dossier, in order."""
        return await self.rows(
            "SELECT * FROM notices WHERE tenant_id = :tenant AND dossier_id = :id ORDER BY number, planned_at, id",
            id=change.dossier_id,
        )

    async def queued(self, change: Change) -> list[tuple[Any, Outgoing]]:
        """The messages of a dossier that wait, opened, in order."""
        rows = await self.rows(
            "SELECT * FROM outbox_messages WHERE tenant_id = :tenant AND dedupe_key LIKE :key AND state = 'queued' ORDER BY seq",
            key=f"notice:{change.dossier_id}:%",
        )
        return [(row, self.opened(row)) for row in rows]

    def opened(self, row: Any) -> Outgoing:
        return outgoing.decode(self.vault.open(row.body_sealed, body_context(row.id)))

    async def ended(self, message_id: UUID, state: str = "sent", at: datetime | None = None) -> None:
        """What the sender would have recorded."""
        await self.run(
            "UPDATE outbox_messages SET state = :state, finished_at = :at, zalo_message_id = :zalo WHERE tenant_id = :tenant AND id = :id",
            id=message_id, state=state, at=at or clock.now(), zalo=f"z{message_id.hex}",
        )  # fmt: skip


def then(change: Change, **changes: Any) -> Change:
    """The next change of the same dossier."""
    return msgspec.structs.replace(
        change, number=change.number + 1, old_status=change.status, **{"flags": frozenset(), **changes}
    )


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """Every statement run meanwhile."""
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)
