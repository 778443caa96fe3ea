"""What Zalo says of a template's day: once it allows no more, nobody else is tried with it until tomorrow."""

from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SPENT = text(
    """
    INSERT INTO template_days (tenant_id, day, template_id, spent)
    SELECT b.tenant_id, :day, b.template_id, true FROM outbox_bodies b
    WHERE b.tenant_id = :tenant AND b.id = :body AND b.template_id IS NOT NULL
    ON CONFLICT (tenant_id, day, template_id) DO UPDATE SET spent = true
    """
)


OF_TEMPLATE = text(
    """
    INSERT INTO template_days (tenant_id, day, template_id, spent) VALUES (:tenant, :day, :template, true)
    ON CONFLICT (tenant_id, day, template_id) DO UPDATE SET spent = true
    """
)
# The row of what the whole account may send to telephone numbers.
ACCOUNT = ""


async def spent(session: AsyncSession, tenant_id: UUID, body_ref: UUID, day: date) -> None:
    """Zalo refused the template of this body for the rest of `day`, Vietnamese time."""
    await session.execute(SPENT, {"tenant": tenant_id, "body": body_ref, "day": day})


async def spent_for(session: AsyncSession, tenant_id: UUID, template_id: str, day: date) -> None:
    """Zalo refused this template, or with `ACCOUNT` every message to a telephone number, for the rest of `day`, Vietnamese time."""
    await session.execute(OF_TEMPLATE, {"tenant": tenant_id, "template": template_id, "day": day})
