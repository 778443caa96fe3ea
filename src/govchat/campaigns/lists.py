"""Lists of people: read from a file or given as ids, matched with the citizens this account knows."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import sheet
from govchat.campaigns.models import AudienceListRow
from govchat.campaigns.schemas import ListOut, RowProblem
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.outbox.shared import seal_fields

MOST_PROBLEMS = 1000
UNKNOWN = "Official Account này chưa biết ai có mã hoặc số điện thoại đó"

MATCH = text(
    """
    SELECT p.place, coalesce(by_id.id, by_phone.id) AS id
    FROM unnest(CAST(:places AS integer[]), CAST(:users AS text[]), CAST(:phones AS bytea[])) AS p(place, user_id, phone)
    LEFT JOIN citizens by_id ON by_id.tenant_id = :tenant AND by_id.zalo_user_id = p.user_id
    LEFT JOIN LATERAL (
      SELECT c.id FROM citizens c
      WHERE c.tenant_id = :tenant AND c.phone_index = p.phone AND c.phone_index IS NOT NULL AND c.zalo_user_id NOT LIKE 'tel:%'
      ORDER BY c.phone_shared_at DESC NULLS LAST LIMIT 1
    ) by_phone ON by_id.id IS NULL
    """
)
MEMBERS = text(
    """
    INSERT INTO audience_members (tenant_id, list_id, citizen_id, fields_sealed)
    SELECT :tenant, :list, m.citizen, m.fields FROM unnest(CAST(:citizens AS uuid[]), CAST(:fields AS bytea[])) AS m(citizen, fields)
    ON CONFLICT DO NOTHING
    """
)


async def take_ids(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, name: str, user_ids: Sequence[str], *, actor: str
) -> ListOut:
    """Keep ids that came with a request; the number of a line is the place in the array, from 1."""
    lines = [sheet.Line(number, user_id=user_id) for number, user_id in enumerate(user_ids, start=1)]
    return await take(session, vault, tenant_id, name, lines, actor=actor)


async def take(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, name: str, lines: Sequence[sheet.Line], *, actor: str
) -> ListOut:
    """Keep a list that was read from a file: the people whom its lines name, and what is wrong with the other lines."""
    list_id = new_id()
    known, problems = await match(session, vault, tenant_id, lines)
    told = problems[:MOST_PROBLEMS]
    await session.execute(
        insert(AudienceListRow).values(
            tenant_id=tenant_id, id=list_id, name=name, lines=len(lines), known=len(known),
            problems=[{"line": each.line, "problem": each.problem} for each in told], made_by=actor, made_at=clock.now(),
        )
    )  # fmt: skip

    def sealed() -> list[bytes | None]:
        return [
            seal_fields(vault, list_id, citizen, said) if (said := _fields(line)) else None
            for citizen, line in known.items()
        ]

    fields = await asyncio.to_thread(sealed) if len(known) > 1000 else sealed()
    await session.execute(MEMBERS, {"tenant": tenant_id, "list": list_id, "citizens": list(known), "fields": fields})
    after = {"lines": len(lines), "known": len(known)}
    await note(session, tenant_id, actor=actor, act="campaign.list_kept", subject=f"list:{list_id}", after=after)
    return ListOut(list_id=list_id, lines=len(lines), known=len(known), problems=told)


def _fields(line: sheet.Line) -> dict[str, str]:
    return {name: value for name, value in (("ten", line.name), ("xa", line.commune)) if value}


async def match(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, lines: Sequence[sheet.Line]
) -> tuple[dict[UUID, sheet.Line], list[RowProblem]]:
    """The citizens that lines name, and what is wrong with the other lines, in their order."""
    usable = [line for line in lines if not line.problem]
    phones = await asyncio.to_thread(
        lambda: [vault.index(line.phone, "phone") if line.phone else None for line in usable]
    )
    rows = await session.execute(
        MATCH,
        {
            "tenant": tenant_id,
            "places": list(range(len(usable))),
            "users": [line.user_id for line in usable],
            "phones": phones,
        },
    )
    problems = [RowProblem(line=line.number, problem=line.problem) for line in lines if line.problem]
    known: dict[UUID, sheet.Line] = {}
    for place, citizen in sorted((row.place, row.id) for row in rows):
        line = usable[place]
        if citizen is None:
            problems.append(RowProblem(line=line.number, problem=UNKNOWN))
        elif citizen in known:
            problems.append(RowProblem(line=line.number, problem=f"cùng một người với dòng {known[citizen].number}"))
        else:
            known[citizen] = line
    return known, sorted(problems, key=lambda each: each.line)
