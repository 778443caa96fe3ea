"""Reading what is kept about a citizen, kind by kind: plain words where they are sealed, nothing left out but keyed hashes."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.consent import phone_context
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.notices.store import read_facts
from govchat.outbox.put import body_context as message_context
from govchat.petitions.private import unseal, unseal_told
from govchat.privacy.items import Fact, Item, Who
from govchat.privacy.request import read_note
from govchat.ratings.give import comment_context
from govchat.zalo import events, outgoing
from govchat.zalo.chat_events import MessageEvent


async def profile(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """The citizen's own row, the number they allowed to be kept, what Zalo said about reaching them."""
    rows = await _rows(
        session, tenant_id, who,
        """
        SELECT c.created_at, c.zalo_user_id, c.user_id_by_app, c.follows, c.last_interaction_at, c.phone_shared_at, p.phone_sealed,
               ARRAY(SELECT b.channel FROM citizen_blocks b WHERE b.tenant_id = c.tenant_id AND b.citizen_id = c.id) AS unreachable,
               EXISTS (SELECT FROM tenant_testers t WHERE t.tenant_id = c.tenant_id AND t.zalo_user_id = c.zalo_user_id) AS tester,
               (SELECT max(d.day)::text FROM trial_declined d
                WHERE d.tenant_id = c.tenant_id AND d.zalo_user_id = c.zalo_user_id) AS trial_declined
        FROM citizens c LEFT JOIN citizen_phones p ON p.tenant_id = c.tenant_id AND p.citizen_id = c.id
        WHERE c.tenant_id = :tenant AND c.id = :citizen
        """,
    )  # fmt: skip
    found = []
    for row in rows:
        facts = _facts(row, "created_at", "phone_sealed")
        if row.phone_sealed is not None:
            facts["phone"] = vault.open(row.phone_sealed, phone_context(who.citizen_id)).decode()
        found.append(Item(row.created_at, facts))
    return found


async def consents(session: AsyncSession, _: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """Every grant and withdrawal."""
    return _items(
        await _rows(
            session, tenant_id, who,
            "SELECT at, purpose, state, how, text_version FROM consent_events"
            " WHERE tenant_id = :tenant AND citizen_id = :citizen ORDER BY at, id",
        ),
        "at",
    )  # fmt: skip


async def dossiers(session: AsyncSession, _: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """Dossiers they proved or follow, by code; the dossier itself is the one-stop system's. Failed guesses are counted."""
    return _items(
        await _rows(
            session, tenant_id, who,
            """
            SELECT f.since AS at, d.code, 'follows' AS what, f.how, f.ended_at
            FROM dossier_followers f JOIN dossiers d ON d.tenant_id = f.tenant_id AND d.id = f.dossier_id
            WHERE f.tenant_id = :tenant AND f.citizen_id = :citizen
            UNION ALL
            SELECT p.proved_at, d.code, 'proved', p.proved_by, NULL
            FROM dossier_proofs p JOIN dossiers d ON d.tenant_id = p.tenant_id AND d.id = p.dossier_id
            WHERE p.tenant_id = :tenant AND p.citizen_id = :citizen
            UNION ALL
            SELECT l.last_failed_at, NULL, 'failed look-ups', l.failures::text, l.blocked_until
            FROM lookup_failures l WHERE l.tenant_id = :tenant AND l.subject = 'c:' || :citizen_text
            ORDER BY 1
            """,
        ),
        "at",
    )  # fmt: skip


async def notices(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """What they were to be told, how, and of which change."""
    rows = await _rows(
        session, tenant_id, who,
        "SELECT id, planned_at, kind, state, channel, reason, facts_sealed FROM notices"
        " WHERE tenant_id = :tenant AND citizen_id = :citizen ORDER BY planned_at, id",
    )  # fmt: skip
    found = []
    for row in rows:
        facts = _facts(row, "id", "planned_at", "facts_sealed")
        if row.facts_sealed:
            change = read_facts(vault, row.id, row.facts_sealed)
            facts |= {"code": change.code, "applicant": change.applicant_name, "note": change.note}
        found.append(Item(row.planned_at, facts))
    return found


async def messages(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """What was said to them."""
    rows = await _rows(
        session, tenant_id, who,
        "SELECT id, created_at, state, body_sealed FROM outbox_messages"
        " WHERE tenant_id = :tenant AND citizen_id = :citizen ORDER BY seq",
    )  # fmt: skip
    return [Item(row.created_at, {"state": row.state, "text": _said(vault, row)}) for row in rows]


async def inbox(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """What they wrote, tapped and sent."""
    rows = await _rows(
        session, tenant_id, who,
        "SELECT id, occurred_at, event_name, body_sealed FROM inbox_events"
        " WHERE tenant_id = :tenant AND user_id = :user_id ORDER BY occurred_at, seq",
    )  # fmt: skip
    return [Item(row.occurred_at, {"event": row.event_name, "text": _wrote(vault, row)}) for row in rows]


async def broadcasts(session: AsyncSession, _: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """The labels and lists by which broadcasts choose, and the day of the last promotion."""
    rows = await _rows(
        session, tenant_id, who,
        """
        SELECT NULL::timestamptz AS at, 'label' AS what, l.kind AS kind, l.label AS name
        FROM citizen_labels l WHERE l.tenant_id = :tenant AND l.citizen_id = :citizen
        UNION ALL
        SELECT a.made_at, 'list', NULL, a.name
        FROM audience_members m JOIN audience_lists a ON a.tenant_id = m.tenant_id AND a.id = m.list_id
        WHERE m.tenant_id = :tenant AND m.citizen_id = :citizen
        UNION ALL
        SELECT NULL, 'last promotion', NULL, p.day::text FROM promotion_days p WHERE p.tenant_id = :tenant AND p.citizen_id = :citizen
        """,
    )  # fmt: skip
    return _items(rows, "at")


async def conversation(session: AsyncSession, _: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """Where their conversation stands, and photos that wait for a petition's words."""
    rows = await _rows(
        session, tenant_id, who,
        """
        SELECT updated_at, state::text AS state, ARRAY(
            SELECT f.id::text FROM stored_files f
            WHERE f.tenant_id = :tenant AND starts_with(f.owner, 'petition-draft:' || :citizen_text || ':')) AS files
        FROM conversations WHERE tenant_id = :tenant AND citizen_id = :citizen
        """,
    )  # fmt: skip
    return _items(rows, "updated_at")


async def petitions(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """Their petitions in their words, with everything that happened and the files that came along."""
    rows = await _rows(
        session, tenant_id, who,
        """
        SELECT p.id, p.received_at, p.code, p.kind, p.category, p.commune, p.state, p.unit, p.flags, p.due_at, p.private_sealed,
               ARRAY(SELECT f.id::text FROM stored_files f WHERE f.tenant_id = p.tenant_id AND f.owner = 'petition:' || p.id) AS files
        FROM petitions p WHERE p.tenant_id = :tenant AND p.citizen_id = :citizen ORDER BY p.id
        """,
    )  # fmt: skip
    found = []
    for row in rows:
        facts = _facts(row, "id", "received_at", "private_sealed")
        private = unseal(vault, row.id, row.private_sealed)
        if private is not None:
            facts |= msgspec.structs.asdict(private)
        happened = await session.execute(
            text("SELECT * FROM petition_events WHERE tenant_id = :tenant AND petition_id = :id ORDER BY number"),
            {"tenant": tenant_id, "id": row.id},
        )
        facts["happened"] = [_happened(vault, row.id, event) for event in happened.all()]
        found.append(Item(row.received_at, facts))
    return found


async def ratings(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """What they said of how a dossier was handled."""
    rows = await _rows(
        session, tenant_id, who,
        """
        SELECT r.id, r.given_at, d.code, r.unit, r.level, r.levels, r.about_time, r.about_attitude, r.about_clarity, r.extra_costs,
               r.reasons, r.comment_sealed
        FROM ratings r JOIN dossiers d ON d.tenant_id = r.tenant_id AND d.id = r.dossier_id
        WHERE r.tenant_id = :tenant AND r.citizen_id = :citizen ORDER BY r.given_at
        """,
    )  # fmt: skip
    found = []
    for row in rows:
        facts = _facts(row, "id", "given_at", "comment_sealed")
        if row.comment_sealed:
            facts["comment"] = vault.open(row.comment_sealed, comment_context(row.id)).decode()
        found.append(Item(row.given_at, facts))
    return found


async def handoffs(session: AsyncSession, _: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """When they asked for a person, and when one spoke with them."""
    return _items(
        await _rows(
            session, tenant_id, who,
            "SELECT opened_at, asked_at, officer_at, ended_at, ended_by FROM handoffs"
            " WHERE tenant_id = :tenant AND citizen_id = :citizen ORDER BY opened_at",
        ),
        "opened_at",
    )  # fmt: skip


async def requests(session: AsyncSession, vault: TenantVault, tenant_id: UUID, who: Who) -> list[Item]:
    """What they asked about their data, and what became of it."""
    rows = await _rows(
        session, tenant_id, who,
        "SELECT id, received_at, code, kind, purpose, state, due_at, done_at, note_sealed FROM privacy_requests"
        " WHERE tenant_id = :tenant AND citizen_id = :citizen ORDER BY id",
    )  # fmt: skip
    return [
        Item(row.received_at, {**_facts(row, "id", "received_at", "note_sealed"), "note": read_note(vault, row.id, row.note_sealed)})
        for row in rows
    ]  # fmt: skip


async def _rows(session: AsyncSession, tenant_id: UUID, who: Who, sql: str) -> list[Row[Any]]:
    given = {
        "tenant": tenant_id, "citizen": who.citizen_id, "citizen_text": str(who.citizen_id), "user_id": who.zalo_user_id,
    }  # fmt: skip
    statement = text(sql)
    named = {name: given[name] for name in statement.compile().params}
    return list((await session.execute(statement, named)).all())


def _items(rows: list[Row[Any]], at: str) -> list[Item]:
    return [Item(getattr(row, at), _facts(row, at)) for row in rows]


def _facts(row: Row[Any], *left_out: str) -> dict[str, Fact]:
    # `_mapping` is SQLAlchemy's public door to a row by names, whatever its underscore looks like.
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
        if name not in left_out
    }


def _happened(vault: TenantVault, petition_id: UUID, event: Row[Any]) -> str:
    told = unseal_told(vault, petition_id, event.number, event.told_sealed)
    return " | ".join(filter(None, (f"{event.at.isoformat()} {event.act}", event.unit, told.note)))


def _said(vault: TenantVault, row: Row[Any]) -> str | None:
    if row.body_sealed is None:  # a broadcast: its words are the campaign's, the same for all
        return None
    try:
        message = outgoing.decode(vault.open(row.body_sealed, message_context(row.id)))
    except (SealBroken, msgspec.MsgspecError):  # erased, or of another key: there is nothing to show
        return None
    said = outgoing.echoed_text(message)
    return said if said is not None else msgspec.json.encode(message).decode()


def _wrote(vault: TenantVault, row: Row[Any]) -> str | None:
    try:
        event = events.decode(vault.open(row.body_sealed, f"inbox_events.body/{row.id}"))
    except (SealBroken, ValueError):
        return None
    return event.text if isinstance(event, MessageEvent) else None
