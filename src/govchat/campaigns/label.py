"""Labels of citizens, to choose by: the commune they live in and tags, from a file or one by one; looked at and taken away again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import lists, sheet
from govchat.campaigns.audience import folded
from govchat.campaigns.refusals import CampaignCitizenUnknown
from govchat.campaigns.schemas import LabelKind, LabelOut, LabelsOut, PersonLabels
from govchat.kit.crypto import TenantVault
from govchat.kit.text import clean
from govchat.zalo.chat_events import TagChanged
from govchat.zalo.header import Event

LABEL = text(
    """
    INSERT INTO citizen_labels (tenant_id, citizen_id, kind, folded, label)
    SELECT DISTINCT ON (l.citizen, l.kind, l.folded) :tenant, l.citizen, l.kind, l.folded, l.label
    FROM unnest(CAST(:citizens AS uuid[]), CAST(:kinds AS text[]), CAST(:folded AS text[]), CAST(:labels AS text[]))
      AS l(citizen, kind, folded, label)
    ON CONFLICT (tenant_id, citizen_id, kind, folded) DO UPDATE SET label = excluded.label
    """
)
# A table that says where somebody lives says it anew: they live in one commune.
MOVED = text(
    "DELETE FROM citizen_labels WHERE tenant_id = :tenant AND kind = 'commune' AND citizen_id = ANY(CAST(:citizens AS uuid[]))"
)
ALL = text(
    """
    SELECT kind, folded, min(label) AS label, count(*) AS citizens FROM citizen_labels
    WHERE tenant_id = :tenant GROUP BY kind, folded ORDER BY kind, folded
    """
)
OF = text(
    """
    SELECT c.id, l.kind, l.label FROM citizens c
    LEFT JOIN citizen_labels l ON l.tenant_id = c.tenant_id AND l.citizen_id = c.id
    WHERE c.tenant_id = :tenant AND c.zalo_user_id = :user ORDER BY l.folded
    """
)
BARE = text("DELETE FROM citizen_labels WHERE tenant_id = :tenant AND citizen_id = :citizen")
DROP = text("DELETE FROM citizen_labels WHERE tenant_id = :tenant AND kind = :kind AND folded = :folded RETURNING 1")


PUT_ON = text(
    """
    INSERT INTO citizen_labels (tenant_id, citizen_id, kind, folded, label)
    SELECT :tenant, c.id, 'tag', :folded, :label FROM citizens c
    WHERE c.tenant_id = :tenant AND c.zalo_user_id = ANY(CAST(:users AS text[]))
    ON CONFLICT DO NOTHING
    """
)
TAKE_OFF = text(
    """
    DELETE FROM citizen_labels l USING citizens c
    WHERE l.tenant_id = :tenant AND l.kind = 'tag' AND l.folded = :folded
      AND c.tenant_id = :tenant AND c.id = l.citizen_id AND c.zalo_user_id = ANY(CAST(:users AS text[]))
    """
)
# Tags that an officer gives and takes in OA Manager.
HEARD = frozenset({"add_user_to_tag", "remove_user_from_tag", "remove_tag"})


async def note_event(session: AsyncSession, tenant_id: UUID, event: Event) -> bool:
    """Tags of OA Manager are tags here: given, taken away, or gone; False for other events."""
    if not isinstance(event, TagChanged) or event.tag is None or not folded(event.tag.name or ""):
        return False
    name = clean(event.tag.name or "")[:60]
    values = {"tenant": tenant_id, "folded": folded(name)}
    if event.event_name == "remove_tag":
        await session.execute(DROP, {**values, "kind": "tag"})
        return True
    users = list(event.tag.user_ids or ())
    if event.event_name == "add_user_to_tag":
        await session.execute(PUT_ON, {**values, "label": name, "users": users})
    else:
        await session.execute(TAKE_OFF, {**values, "users": users})
    return True


async def all_labels(session: AsyncSession, tenant_id: UUID) -> list[LabelOut]:
    """Every label with how many citizens carry it: communes, then tags."""
    rows = await session.execute(ALL, {"tenant": tenant_id})
    return [LabelOut(kind=row.kind, label=row.label, citizens=row.citizens) for row in rows]


async def labels_of(session: AsyncSession, tenant_id: UUID, user_id: str) -> PersonLabels:
    """The labels of one citizen; raises `CampaignCitizenUnknown`."""
    return (await _person(session, tenant_id, user_id))[1]


async def _person(session: AsyncSession, tenant_id: UUID, user_id: str) -> tuple[UUID, PersonLabels]:
    rows = (await session.execute(OF, {"tenant": tenant_id, "user": user_id})).all()
    if not rows:
        raise CampaignCitizenUnknown(
            f'"{user_id[:128]}" chưa phải người mà Official Account này biết: người đó cần nhắn tin hoặc quan tâm trước'
        )
    commune = next((row.label for row in rows if row.kind == "commune"), None)
    return rows[0].id, PersonLabels(commune=commune, tags=[row.label for row in rows if row.kind == "tag"])


async def put_labels(
    session: AsyncSession, tenant_id: UUID, user_id: str, given: PersonLabels, *, actor: str
) -> PersonLabels:
    """Let one citizen carry these labels and no others; raises `CampaignCitizenUnknown`. The same again changes nothing."""
    citizen, before = await _person(session, tenant_id, user_id)
    pairs = {(kind, folded(label)): clean(label) for kind, label in _pairs(given)}
    if pairs == {(kind, folded(label)): label for kind, label in _pairs(before)}:
        return before
    await session.execute(BARE, {"tenant": tenant_id, "citizen": citizen})
    values = {
        "tenant": tenant_id, "citizens": [citizen] * len(pairs), "kinds": [kind for kind, _ in pairs],
        "folded": [each for _, each in pairs], "labels": list(pairs.values()),
    }  # fmt: skip
    await session.execute(LABEL, values)
    after = {"labels": len(pairs)}
    await note(session, tenant_id, actor=actor, act="citizen.labelled", subject=f"citizen:{citizen}", after=after)
    return await labels_of(session, tenant_id, user_id)


def _pairs(given: PersonLabels) -> list[tuple[str, str]]:
    communes = [("commune", given.commune)] if given.commune else []
    return [*communes, *(("tag", tag) for tag in given.tags)]


async def drop_label(session: AsyncSession, tenant_id: UUID, kind: LabelKind, label: str, *, actor: str) -> int:
    """Take a label away from everybody who carries it; answers from how many."""
    values = {"tenant": tenant_id, "kind": kind, "folded": folded(label)}
    dropped = len((await session.execute(DROP, values)).all())
    if dropped:
        after = {"kind": kind, "citizens": dropped}
        await note(
            session, tenant_id, actor=actor, act="label.dropped", subject=f"label:{clean(label)[:100]}", after=after
        )
    return dropped


async def label_people(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, lines: Sequence[sheet.Line], *, actor: str
) -> LabelsOut:
    """Note communes and tags that a file gives; a commune takes the place of the one before, tags are added."""
    known, problems = await lists.match(session, vault, tenant_id, lines)
    given = [
        (citizen, kind, folded(label), label)
        for citizen, line in known.items()
        for kind, labels in (("commune", (line.commune,)), ("tag", line.tags))
        for label in labels
        if label
    ]
    settled = [citizen for citizen, kind, _, _ in given if kind == "commune"]
    await session.execute(MOVED, {"tenant": tenant_id, "citizens": settled})
    columns = list(zip(*given, strict=True)) or [(), (), (), ()]
    names = ("citizens", "kinds", "folded", "labels")
    await session.execute(LABEL, {"tenant": tenant_id, **{n: list(c) for n, c in zip(names, columns, strict=True)}})
    labelled = len({citizen for citizen, _, _, _ in given})
    after = {"lines": len(lines), "labelled": labelled}
    await note(session, tenant_id, actor=actor, act="citizens.labelled", subject="labels", after=after)
    return LabelsOut(lines=len(lines), labelled=labelled, problems=problems[: lists.MOST_PROBLEMS])
