"""Destroying a closed tenant's data key: its secrets, messages and personal fields become noise for everybody, for good.

The key's row stays, empty, so that applying the manifest again makes no other in its place. What was waiting is ended, since nothing
can read it: the way in and the way out of this tenant fall silent instead of failing.
"""

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.tenants.models import OaCredentialRow, TenantKeyRow, TenantRecord, ZaloAppRow
from govchat.tenants.registry import Registry, Tenant

log = structlog.get_logger()


class TenantNotClosed(DomainError):
    """Only the key of a closed tenant may be destroyed."""

    status = 409
    code = "tenant_not_closed"
    title = "The tenant is not closed"


END_EVENTS = text(
    "UPDATE inbox_events SET state = 'parked', error = 'KeyDestroyed' WHERE tenant_id = :tenant AND state = 'pending'"
)
END_MESSAGES = text(
    """
    UPDATE outbox_messages
    SET state = CASE state WHEN 'queued' THEN 'skipped' ELSE 'uncertain' END, finished_at = clock_timestamp(),
        settled_by = CASE state WHEN 'queued' THEN settled_by ELSE 'contract' END
    WHERE tenant_id = :tenant AND (state IN ('queued', 'sending') OR (state = 'uncertain' AND settled_by IS NULL))
    """
)
REVOKE_KEYS = text(
    "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE tenant_id = :tenant AND revoked_at IS NULL"
)


async def destroy(registry: Registry, tenant: Tenant, *, actor: str) -> bool:
    """Destroy the key; False when that was done before. Running processes let go of it within ten seconds. Raises `TenantNotClosed`."""
    async with registry.db.tenant(tenant.id) as session:
        record = await session.get_one(TenantRecord, tenant.id, with_for_update=True)
        if record.state != "closed":
            raise TenantNotClosed(
                f'"{tenant.slug}" đang ở trạng thái {record.state}: đóng trước bằng `govchat tenant move {tenant.slug} closed`; '
                "khóa đã hủy thì không lấy lại được"
            )
        key = await session.get(TenantKeyRow, tenant.id, with_for_update=True)
        if key is None or key.destroyed_at is not None:
            return False
        now = await session.scalar(select(func.clock_timestamp()))
        key.wrapped_key, key.destroyed_at = b"", now
        for row in await session.scalars(select(OaCredentialRow).where(OaCredentialRow.tenant_id == tenant.id)):
            row.access_token_sealed = row.refresh_token_sealed = row.previous_sealed = row.oa_secret_sealed = None
            row.refresh_claimed_by = row.refresh_claimed_until = None
        await _end_what_waits(session, tenant)
        others = await session.scalar(
            select(func.count()).where(TenantRecord.app_id == record.app_id, TenantRecord.id != tenant.id)
        )
        if not others:
            app = await session.get_one(ZaloAppRow, record.app_id, with_for_update=True)
            app.app_secret_sealed = app.oa_secret_sealed = app.pkce_verifier_sealed = None
            app.updated_at = now or app.updated_at
        # The registry of every process reloads when this moves, and lets go of the vault.
        record.updated_at = now or record.updated_at
        await note(
            session,
            tenant.id,
            actor=actor,
            act="key.destroyed",
            subject="tenant key",
            before={"held": True},
            after={"held": False},
        )
    log.warning("secret.destroyed", tenant=tenant.slug)
    return True


async def end_what_waits(registry: Registry, tenant: Tenant) -> None:
    """End what a process that still held the key may have put in after its destruction: nobody can work it off."""
    async with registry.db.tenant(tenant.id) as session:
        key = await session.get(TenantKeyRow, tenant.id)
        if key is not None and key.destroyed_at is not None:
            await _end_what_waits(session, tenant)


async def _end_what_waits(session: AsyncSession, tenant: Tenant) -> None:
    for statement in (END_EVENTS, END_MESSAGES, REVOKE_KEYS):
        await session.execute(statement, {"tenant": tenant.id})
