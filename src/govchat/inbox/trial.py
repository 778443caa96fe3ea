"""A province in trial answers its testers alone, fifty messages a day; anybody else hears one polite line a day.

Asked in the transaction of the event, so that what is taken from the day's allowance is back when nothing comes of it. What a magic
recipient would be answered, and what is over the allowance, is kept as skipped: it can be explained, and nobody sends it.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.know import Citizen
from govchat.tenants import testers
from govchat.tenants.registry import Tenant
from govchat.tenants.trial import Act, Verdict, polite_line
from govchat.zalo import messages

SKIP = text(
    """
    UPDATE outbox_messages SET state = 'skipped', finished_at = clock_timestamp(), settled_by = :why
    WHERE tenant_id = :tenant AND cause = :cause AND state = 'queued'
    """
)


async def admit(session: AsyncSession, tenant: Tenant, citizen: Citizen, *, messages: int = 0) -> Verdict:
    """Whether this citizen is answered now; `messages` are taken from the day's allowance. A live province costs no query."""
    return await testers.gate(
        session, tenant.id, tenant.state, recipient=citizen.zalo_user_id, is_reply=True, messages=messages
    )


def declined(tenant: Tenant, citizen: Citizen, verdict: Verdict) -> tuple[messages.CsMessage, ...]:
    """What is said instead of an answer: the polite line, or nothing when it was said today."""
    if verdict.act is not Act.DECLINE:
        return ()
    return tuple(messages.texts(citizen.zalo_user_id, polite_line(tenant.full_name, tenant.manifest.contact.hotline)))


async def keep_unsent(session: AsyncSession, tenant_id: UUID, cause: str, verdict: Verdict) -> None:
    """The messages of this cause, just put, are not to be sent."""
    await session.execute(SKIP, {"tenant": tenant_id, "cause": cause, "why": verdict.why.value})
