"""Sending a campaign's message to testers before anybody approves it: the very message, filled with what is known of each.

To listed testers alone: an unapproved text must not reach a citizen. It goes in the lane of staff, so it need not wait for a campaign.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import queries
from govchat.campaigns.message import ROOM, body_of, preview
from govchat.campaigns.models import CampaignPictureRow
from govchat.campaigns.refusals import CampaignNoTesters, CampaignPicturePending
from govchat.campaigns.schemas import MessageIn, TestOut
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.phrases import overlaid
from govchat.outbox import shared
from govchat.outbox.put import Draft, Lane, put
from govchat.outbox.shared import fill
from govchat.tenants import testers
from govchat.tenants.phrases import own_phrases
from govchat.tenants.registry import Tenant
from govchat.tenants.trial import Act
from govchat.zalo import messages
from govchat.zalo.messages import CsMessage, Recipient

PEOPLE = text(
    """
    SELECT t.zalo_user_id, c.id,
           (SELECT l.label FROM citizen_labels l
            WHERE l.tenant_id = :tenant AND l.citizen_id = c.id AND l.kind = 'commune' ORDER BY l.folded LIMIT 1) AS commune
    FROM tenant_testers t LEFT JOIN citizens c ON c.tenant_id = t.tenant_id AND c.zalo_user_id = t.zalo_user_id
    WHERE t.tenant_id = :tenant AND NOT starts_with(t.zalo_user_id, 'tel:')
      AND (CAST(:users AS text[]) IS NULL OR t.zalo_user_id = ANY(CAST(:users AS text[])))
    ORDER BY t.zalo_user_id LIMIT 50
    """
)


async def try_out(
    session: AsyncSession,
    vault: TenantVault,
    tenant: Tenant,
    campaign_id: UUID,
    user_ids: Sequence[str] | None,
    *,
    actor: str,
    from_test_key: bool = False,
    allow_insecure: bool = False,
) -> TestOut:
    """Put the message for testers; raises `CampaignNoTesters`, `CampaignPicturePending`, `CampaignNotFound`."""
    row = await queries.row_of(session, tenant.id, campaign_id)
    message = queries.message_of(vault, row)
    attachment_id = await _attachment(session, tenant, message)
    with overlaid(await own_phrases(session, tenant.id, ROOM, shared.ROOM)):
        body = body_of(message, row.class_, attachment_id=attachment_id, allow_insecure=allow_insecure)  # type: ignore[arg-type]
        article = preview(message.article) if message.article else None
        instead = shared.instead()
    assert body.cs is not None
    wanted = None if user_ids is None else list(user_ids)
    people = (await session.execute(PEOPLE, {"tenant": tenant.id, "users": wanted})).all()
    _all_known({person.zalo_user_id: person.id for person in people}, user_ids)
    drafts: list[Draft] = []
    simulated = skipped = 0
    for person in people:
        verdict = await testers.gate(
            session, tenant.id, tenant.state, recipient=person.zalo_user_id, from_test_key=from_test_key or row.test
        )
        simulated += verdict.act is Act.SIMULATE
        if verdict.act is not Act.SEND or person.id is None:
            skipped += verdict.act is not Act.SIMULATE
            continue
        values = {**instead, "xa": person.commune or instead["xa"]}
        words = fill(body.cs.plain_text, values)
        said = CsMessage(Recipient(person.zalo_user_id), msgspec.structs.replace(body.cs.message, text=words))
        both = [said] if article is None else [messages.text(person.zalo_user_id, article), said]
        drafts += [
            Draft(
                citizen_id=person.id, message=each, lane=Lane.STAFF, dedupe_key=f"campaign-test:{campaign_id}:{new_id()}",
                cause=f"campaign-test:{campaign_id}", caused_at=clock.now(),
            )
            for each in both
        ]  # fmt: skip
    await put(session, vault, tenant.id, drafts)
    queued = len({draft.citizen_id for draft in drafts})
    after = {"queued": queued, "simulated": simulated, "skipped": skipped}
    await note(session, tenant.id, actor=actor, act="campaign.tested", subject=f"campaign:{campaign_id}", after=after)
    return TestOut(queued=queued, simulated=simulated, skipped=skipped)


async def _attachment(session: AsyncSession, tenant: Tenant, message: MessageIn) -> str | None:
    if message.picture_id is None:
        return None
    picture = await session.get(CampaignPictureRow, (tenant.id, message.picture_id))
    if picture is None or picture.attachment_id is None or picture.oa_id != tenant.oa_id:
        trouble = picture.trouble if picture is not None else None
        raise CampaignPicturePending(trouble or "ảnh đang được đưa lên Zalo: vài giây nữa hãy thử lại")
    return picture.attachment_id


def _all_known(people: dict[str, UUID | None], user_ids: Sequence[str] | None) -> None:
    if not people:
        raise CampaignNoTesters("danh sách người thử chưa có ai: thêm bằng `govchat tenant tester add SLUG USER_ID`")
    for user_id in user_ids or ():
        if user_id not in people:
            raise CampaignNoTesters(
                f'"{user_id[:60]}" không có trong danh sách người thử: thêm bằng `govchat tenant tester add SLUG USER_ID`'
            )
    if not any(people.values()):
        raise CampaignNoTesters(
            "chưa người thử nào nhắn cho Official Account này: hãy để một người nhắn trước, rồi thử lại"
        )
