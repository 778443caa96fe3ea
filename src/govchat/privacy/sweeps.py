"""The statements of the sweep, one a kind: what is past its time and not pending, oldest first.

`:before` is the last moment to keep, `:floor` the UUIDv7 that separates older ids, so that a batch reads the old end of the primary key.
"""

from collections.abc import Mapping
from types import MappingProxyType

# Each takes `:batch` rows at most and answers one row for each that is gone.
SWEEPS: Mapping[str, str] = MappingProxyType(
    {
        "inbox": """
            DELETE FROM inbox_events WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM inbox_events WHERE tenant_id = :tenant AND id < :floor
                AND state = 'done' AND received_at < :before ORDER BY id LIMIT :batch)
            RETURNING id""",
        "inbox_parked": """
            DELETE FROM inbox_events WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM inbox_events WHERE tenant_id = :tenant AND id < :floor
                AND state = 'parked' AND received_at < :before ORDER BY id LIMIT :batch)
            RETURNING id""",
        "messages": """
            DELETE FROM outbox_messages WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM outbox_messages m
              WHERE tenant_id = :tenant AND id < :floor
                AND (state IN ('sent', 'failed', 'skipped') OR (state = 'uncertain' AND settled_by IS NOT NULL))
                AND coalesce(finished_at, created_at) < :before
                AND NOT EXISTS (SELECT FROM notice_tries t
                                WHERE t.tenant_id = :tenant AND t.message_id = m.id AND t.money = 'reserved')
              ORDER BY id LIMIT :batch)
            RETURNING id""",
        "conversations": """
            DELETE FROM conversations WHERE tenant_id = :tenant AND citizen_id IN (
              SELECT citizen_id FROM conversations WHERE tenant_id = :tenant AND updated_at < :before ORDER BY citizen_id LIMIT :batch)
            RETURNING citizen_id""",
        "notices": """
            DELETE FROM notices WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM notices n WHERE tenant_id = :tenant AND id < :floor AND planned_at < :before
                AND NOT EXISTS (SELECT FROM outbox_messages m WHERE m.tenant_id = :tenant AND m.id = n.message_id
                                AND m.state IN ('queued', 'sending', 'uncertain') AND m.settled_by IS NULL)
              ORDER BY id LIMIT :batch)
            RETURNING id""",
        "petition_words": """
            WITH old AS (
              SELECT id FROM petitions
              WHERE tenant_id = :tenant AND id < :floor
                AND private_sealed IS NOT NULL AND state IN ('confirmed', 'closed', 'forwarded', 'merged')
                AND closed_at < :before
              ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
            ), said AS (
              UPDATE petition_events e SET told_sealed = NULL FROM old WHERE e.tenant_id = :tenant AND e.petition_id = old.id
            ), photos AS (
              UPDATE stored_files f SET delete_after = :now FROM old WHERE f.tenant_id = :tenant AND f.owner = 'petition:' || old.id
            )
            UPDATE petitions p SET private_sealed = NULL, citizen_id = NULL FROM old WHERE p.tenant_id = :tenant AND p.id = old.id
            RETURNING p.id""",
        "rating_comments": """
            UPDATE ratings SET comment_sealed = NULL, citizen_id = NULL WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM ratings WHERE tenant_id = :tenant AND id < :floor
                AND citizen_id IS NOT NULL AND given_at < :before ORDER BY id LIMIT :batch)
            RETURNING id""",
        "handoffs": """
            DELETE FROM handoffs WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM handoffs h WHERE tenant_id = :tenant AND id < :floor
                AND coalesce(ended_at, CASE WHEN officer_at IS NULL THEN opened_at ELSE greatest(officer_at, (
                  SELECT c.muted_until FROM citizens c WHERE c.tenant_id = :tenant AND c.id = h.citizen_id)) END) < :before
              ORDER BY id LIMIT :batch)
            RETURNING id""",
        "failed_guesses": """
            DELETE FROM lookup_failures WHERE tenant_id = :tenant AND subject IN (
              SELECT subject FROM lookup_failures
              WHERE tenant_id = :tenant AND last_failed_at < :before AND (blocked_until IS NULL OR blocked_until < :now)
              ORDER BY subject LIMIT :batch)
            RETURNING subject""",
        "privacy_words": """
            UPDATE privacy_requests SET note_sealed = NULL WHERE tenant_id = :tenant AND id IN (
              SELECT id FROM privacy_requests
              WHERE tenant_id = :tenant AND id < :floor
                AND note_sealed IS NOT NULL AND state IN ('done', 'refused') AND done_at < :before
              ORDER BY id LIMIT :batch)
            RETURNING id""",
    }
)
