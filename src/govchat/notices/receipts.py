"""Delivery and seen receipts on notices, many at a time.

A receipt of a message by telephone number carries our tracking id: it also settles a message whose fate nobody knew.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put_many
from govchat.kit.crypto import TenantVault
from govchat.notices.hear import DELIVERED, Delivered
from govchat.zalo.chat_events import Receipt
from govchat.zalo.header import Event


class ReceiptRow(msgspec.Struct, frozen=True):
    """One receipt: Zalo's message id, our tracking id where it has one, whether it was seen or only arrived, and when."""

    zalo_message_id: str
    seen: bool
    at: datetime
    tracking_id: str | None = None


NOTE = text(
    """
    WITH told AS (
      SELECT r.zalo_id, r.tracking, min(r.at) FILTER (WHERE NOT r.seen) AS delivered, min(r.at) FILTER (WHERE r.seen) AS seen
      FROM unnest(CAST(:ids AS text[]), CAST(:seen AS boolean[]), CAST(:at AS timestamptz[]), CAST(:trackings AS text[]))
        AS r(zalo_id, seen, at, tracking)
      GROUP BY r.zalo_id, r.tracking
    ), found AS (
      SELECT m.id, t.delivered, t.seen FROM told t
      CROSS JOIN LATERAL (
        SELECT o.id FROM outbox_messages o WHERE o.tenant_id = :tenant AND o.zalo_message_id = t.zalo_id AND o.lane = 1 OFFSET 0) m
      UNION ALL
      SELECT m.id, t.delivered, t.seen FROM told t
      JOIN notices n ON n.tenant_id = :tenant AND n.id = CAST(
        CASE WHEN t.tracking ~ '^[0-9a-f]{32}$' THEN t.tracking END AS uuid)
      JOIN notice_tries y ON y.tenant_id = :tenant AND y.notice_id = n.id AND y.channel = 'phone'
      JOIN outbox_messages m ON m.tenant_id = :tenant AND m.id = y.message_id
      WHERE m.zalo_message_id IS DISTINCT FROM t.zalo_id
    ), settled AS (
      UPDATE outbox_messages m SET zalo_message_id = s.zalo_id,
             state = CASE WHEN m.state = 'uncertain' THEN 'sent' ELSE m.state END,
             settled_by = CASE WHEN m.state = 'uncertain' THEN 'receipt' ELSE m.settled_by END,
             finished_at = CASE WHEN m.state = 'uncertain' THEN clock_timestamp() ELSE m.finished_at END
      FROM (
        SELECT y.message_id, min(t.zalo_id) AS zalo_id FROM told t
        JOIN notice_tries y ON y.tenant_id = :tenant AND y.channel = 'phone' AND y.notice_id = CAST(
          CASE WHEN t.tracking ~ '^[0-9a-f]{32}$' THEN t.tracking END AS uuid)
        GROUP BY y.message_id) s
      WHERE m.tenant_id = :tenant AND m.id = s.message_id AND m.state IN ('sending', 'uncertain') AND m.zalo_message_id IS NULL
    )
    UPDATE notice_tries y
    SET delivered_at = least(y.delivered_at, coalesce(f.delivered, f.seen)), seen_at = least(y.seen_at, f.seen)
    FROM (
      -- Locked as it was, so that of two receipts at once one is the first.
      SELECT b.message_id, b.delivered_at IS NULL AS first, min(r.delivered) AS delivered, min(r.seen) AS seen
      FROM (SELECT t.message_id, t.delivered_at FROM notice_tries t
            WHERE t.tenant_id = :tenant AND t.message_id = ANY(ARRAY(SELECT id FROM found)) ORDER BY t.message_id FOR NO KEY UPDATE) b
      JOIN found r ON r.id = b.message_id GROUP BY b.message_id, b.delivered_at
    ) f, notices n, dossiers d
    WHERE y.tenant_id = :tenant AND y.message_id = ANY(ARRAY(SELECT id FROM found)) AND y.message_id = f.message_id
      AND n.tenant_id = :tenant AND n.id = y.notice_id AND d.tenant_id = :tenant AND d.id = n.dossier_id
    RETURNING f.first, y.notice_id, d.code AS dossier_code, n.number AS change_number, n.kind AS notice_kind, y.channel,
              y.delivered_at AS at
    """
)


_HEARD = Delivered.__struct_fields__

# The events that this room wants to hear of; `rows_of` and `templates.note_event` read them.
HEARD = frozenset(
    {
        "user_received_message",
        "user_seen_message",
        "change_template_status",
        "change_template_quality",
        "change_template_quota",
        "change_oa_daily_quota",
    }
)


def rows_of(event: Event) -> list[ReceiptRow]:
    """The receipts in an event, one a message; none for other events."""
    if not isinstance(event, Receipt) or event.delivered_at is None:
        return []
    return [ReceiptRow(each, event.seen, event.delivered_at, event.tracking_id) for each in event.msg_ids]


async def note_receipts(session: AsyncSession, vault: TenantVault, tenant_id: UUID, rows: Sequence[ReceiptRow]) -> int:
    """Write receipts down, the earliest of each kind, and tell one-stop systems of the first; answers how many notices they were about."""
    if not rows:
        return 0
    found = await session.execute(
        NOTE,
        {
            "tenant": tenant_id,
            "ids": [row.zalo_message_id for row in rows],
            "seen": [row.seen for row in rows],
            "at": [row.at for row in rows],
            "trackings": [row.tracking_id for row in rows],
        },
    )
    noted = found.mappings().all()
    heard = [(DELIVERED, Delivered(**{name: row[name] for name in _HEARD})) for row in noted if row["first"]]
    await put_many(session, vault, tenant_id, heard)
    return len(noted)
