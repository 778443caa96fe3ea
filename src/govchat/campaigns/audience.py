"""Audiences: what was asked for becomes a condition over citizens (`c`), with every value bound and none written into the SQL.

Who may be told at all (follows, has not opted out, agreed to promotions) is a condition of its own, so that an estimate can say who is
left out and why. Both hold for one tenant: `c.tenant_id` is bound by whoever uses them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from govchat.campaigns.refusals import CampaignAudienceInvalid
from govchat.campaigns.schemas import Class, Segment
from govchat.kit.text import clean, fold
from govchat.procedures.book import Lookup, View


class Audience(msgspec.Struct, frozen=True, omit_defaults=True):
    """An audience as a campaign keeps it. `codes` are the procedures that `fields` and `procedures` of the segment mean."""

    all_followers: bool = False
    list_id: UUID | None = None
    user_ids: int | None = None
    segment: Segment | None = None
    codes: list[str] | None = None


class Condition(msgspec.Struct, frozen=True):
    """A condition over `citizens c`, and what is bound in it."""

    sql: str
    values: dict[str, Any]


FOLLOWS = "c.follows AND c.zalo_user_id NOT LIKE 'tel:%'"
_CONSENT = "SELECT FROM consents o WHERE o.tenant_id = c.tenant_id AND o.citizen_id = c.id AND o.purpose = 'broadcast'"
NOT_OPTED_OUT = f"NOT EXISTS ({_CONSENT} AND o.state = 'withdrawn')"
AGREED = f"EXISTS ({_CONSENT} AND o.state = 'granted')"
_LABEL = (
    "EXISTS (SELECT FROM citizen_labels l WHERE l.tenant_id = c.tenant_id AND l.citizen_id = c.id "
    "AND l.kind = '{kind}' AND l.folded = ANY(CAST(:{name} AS text[])))"
)
_LISTED = "EXISTS (SELECT FROM audience_members a WHERE a.tenant_id = c.tenant_id AND a.list_id = :list_id AND a.citizen_id = c.id)"
_DOSSIER = (
    "EXISTS (SELECT FROM dossier_followers f JOIN dossiers d ON d.tenant_id = f.tenant_id AND d.id = f.dossier_id "
    "WHERE f.tenant_id = c.tenant_id AND f.citizen_id = c.id AND f.ended_at IS NULL{more})"
)


def may_be_told(kind: Class) -> str:
    """The condition under which somebody may be told a campaign of this class at all."""
    told = f"{FOLLOWS} AND {NOT_OPTED_OUT}"
    return f"{told} AND {AGREED}" if kind == "promotion" else told


def condition(audience: Audience, at: datetime) -> Condition:
    """The audience as a condition; days are counted back from `at`."""
    parts: list[str] = ["true"]
    values: dict[str, Any] = {}
    segment = audience.segment or Segment()
    if (list_id := audience.list_id or segment.list_id) is not None:
        parts.append(_LISTED)
        values["list_id"] = list_id
    for kind, name, given in (("commune", "communes", segment.communes), ("tag", "tags", segment.tags)):
        if given is not None:
            parts.append(_LABEL.format(kind=kind, name=name))
            values[name] = [folded(each) for each in given]
    dossier = _dossier(audience, segment, values)
    if dossier:
        parts.append(_DOSSIER.format(more=dossier))
    if segment.interacted_within_days is not None:
        parts.append("c.last_interaction_at >= :since")
        values["since"] = at - timedelta(days=segment.interacted_within_days)
    if segment.not_interacted_within_days is not None:
        parts.append("(c.last_interaction_at IS NULL OR c.last_interaction_at < :before)")
        values["before"] = at - timedelta(days=segment.not_interacted_within_days)
    return Condition(" AND ".join(parts), values)


def _dossier(audience: Audience, segment: Segment, values: dict[str, Any]) -> str:
    more = ""
    if audience.codes is not None:
        more += " AND d.procedure_code = ANY(CAST(:codes AS text[]))"
        values["codes"] = audience.codes
    if segment.dossier_states is not None:
        more += " AND d.status = ANY(CAST(:states AS smallint[]))"
        values["states"] = segment.dossier_states
    if segment.dossier_units is not None:
        more += " AND d.unit = ANY(CAST(:units AS text[]))"
        values["units"] = segment.dossier_units
    return more


def folded(label: str) -> str:
    """What a label is compared by: no case, no diacritics."""
    return fold(clean(label))


def codes_of(book: View, segment: Segment) -> list[str] | None:
    """The procedures that a segment's fields (lĩnh vực) and procedures mean; None when it names neither.

    Raises `CampaignAudienceInvalid` naming a field or procedure that the catalogue does not have.
    """
    if segment.fields is None and segment.procedures is None:
        return None
    found = set(_named(book, segment.procedures or ()))
    by_field: dict[str, list[str]] = {}
    for procedure in book:
        by_field.setdefault(folded(procedure.field), []).append(procedure.code)
    for given in segment.fields or ():
        codes = by_field.get(folded(given))
        if codes is None:
            near = sorted({procedure.field for procedure in book if folded(given) in folded(procedure.field)})[:5]
            raise CampaignAudienceInvalid(
                f'segment.fields "{given}" không phải một lĩnh vực trong danh mục thủ tục'
                + (f": có phải {', '.join(near)}?" if near else ": xem các lĩnh vực bằng `govchat procedure list SLUG`")
            )
        found.update(codes)
    return sorted(found)


def _named(book: Lookup, given: Sequence[str]) -> list[str]:
    for code in given:
        if book.get(code) is None:
            raise CampaignAudienceInvalid(
                f'segment.procedures "{code}" không có trong danh mục thủ tục: tìm bằng GET /v1/procedures?q= hoặc '
                "`govchat procedure list SLUG QUERY`"
            )
    return list(given)
