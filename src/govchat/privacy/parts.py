"""Every kind of data about a citizen in one list: what an export reads, and in which order an erasure goes.

A table that names citizens and stands in none of these is found by a test.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenRow
from govchat.errors import DomainError
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import fill, phrases
from govchat.privacy import kept, steps
from govchat.privacy.items import Part, Who
from govchat.privacy.request import ROOM

# Erased from top to bottom. Petitions come first: an open one keeps the rest as it is, so that its answer still arrives.
PARTS = (
    Part("petitions", ("petitions", "petition_events", "stored_files"), kept.petitions, steps.petitions),
    Part("dossiers", ("dossier_followers", "dossier_proofs", "lookup_failures"), kept.dossiers, steps.dossiers),
    Part("ratings", ("ratings",), kept.ratings, steps.ratings),
    Part("handoffs", ("handoffs",), kept.handoffs, steps.handoffs),
    Part("conversation", ("conversations",), kept.conversation, steps.conversation),
    Part("messages", ("outbox_messages",), kept.messages, steps.messages),
    Part("notices", ("notices",), kept.notices, steps.notices),
    Part("inbox", ("inbox_events",), kept.inbox, steps.inbox),
    Part(
        "profile",
        ("citizens", "citizen_phones", "citizen_blocks", "trial_members", "tenant_testers", "trial_declined"),
        kept.profile,
        steps.profile,
    ),
    Part("consents", ("consents", "consent_events"), kept.consents, None, "evidence of consent, without a name after an erasure"),
    Part("requests", ("privacy_requests",), kept.requests, None, "proof that the request was carried out"),
)  # fmt: skip


class CitizenGone(DomainError):
    """The citizen's data were erased, or they were never known."""

    status = 410
    code = "citizen_erased"
    title = "The citizen's data were erased"


async def who_is(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> Who:
    """The citizen; raises `CitizenGone`."""
    zalo = await session.scalar(
        select(CitizenRow.zalo_user_id).where(CitizenRow.tenant_id == tenant_id, CitizenRow.id == citizen_id)
    )
    if zalo is None or zalo.startswith("erased:"):
        raise CitizenGone("nothing is kept about this citizen any more: their data were erased")
    return Who(citizen_id, zalo)


async def summary(session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID) -> str:
    """What is kept about a citizen in one short message, for the chat; the whole of it is an export."""
    who = await who_is(session, tenant_id, citizen_id)
    said = phrases(ROOM)
    lines = []
    for part in PARTS:
        items = await part.kept_about(session, vault, tenant_id, who)
        if items:
            lines.append("- " + fill(ROOM, f"part_{part.name}", count=str(len(items))))
    return "\n".join([said["kept_intro"], *lines, said["kept_outro"]]) if lines else said["kept_nothing"]
