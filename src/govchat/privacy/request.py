"""A citizen asks about their data: noted and acknowledged in one breath, with the date by which the law wants it done.

Withdrawing consent is carried out at once; everything else is the office's, through `/v1/privacy-requests`.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put as put_callback
from govchat.citizens import consent
from govchat.citizens.models import PURPOSES
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.phrases import fill, phrases
from govchat.notices.follow import unsubscribe
from govchat.privacy.models import KINDS, PrivacyRequestRow
from govchat.privacy.terms import term_of

ROOM = "govchat.privacy"
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
OPEN = ("acknowledged", "erasing")
LONGEST_WORDS = 2000


class PrivacyRequestUnfit(DomainError):
    """No request that the law knows."""

    status = 422
    code = "privacy_request_unfit"
    title = "That is no request about personal data"


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """What the citizen is told; `is_new` False: the same was asked for before and is open. `done`: it is carried out already."""

    id: UUID
    code: str
    kind: str
    title: str
    due_at: datetime
    is_new: bool
    done: bool
    words: str
    is_open: bool = True


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the callback `privacy.requested` tells; never who."""

    id: UUID
    code: str
    kind: str
    due_at: datetime


async def ask(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    kind: str,
    *,
    purpose: str | None = None,
    words: str | None = None,
    at: datetime | None = None,
) -> Acknowledged:
    """Note the request and acknowledge it; asking the same again answers the open one. Raises `PrivacyRequestUnfit`.

    `withdraw` takes effect here: of one `purpose`, or of all.
    """
    now = at or clock.now()
    if kind not in KINDS or purpose not in (None, *PURPOSES):
        raise PrivacyRequestUnfit(
            f'kind "{kind}", purpose "{purpose}": expected {", ".join(KINDS)}; {", ".join(PURPOSES)}'
        )
    before = await _open_one(session, tenant_id, citizen_id, kind)
    if before is not None:
        return _acknowledged(before, is_new=False)
    request_id = new_id()
    row = PrivacyRequestRow(
        tenant_id=tenant_id,
        id=request_id,
        code=_code(),
        citizen_id=citizen_id,
        kind=kind,
        purpose=purpose,
        state="acknowledged",
        note_sealed=seal_note(vault, request_id, words[:LONGEST_WORDS]) if words else None,
        received_at=now,
        acknowledged_at=now,
        due_at=term_of(kind, now).due(now),
    )
    session.add(row)
    await session.flush()
    if kind == "withdraw":
        purposes = (purpose,) if purpose else PURPOSES
        await _withdraw(session, tenant_id, citizen_id, purposes, now, row.code)
        row.state, row.done_at = "done", now
        await session.flush()
    else:
        heard = Heard(id=row.id, code=row.code, kind=kind, due_at=row.due_at)
        await put_callback(session, vault, tenant_id, "privacy.requested", heard)
    return _acknowledged(row, is_new=True)


async def _open_one(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, kind: str) -> PrivacyRequestRow | None:
    row = PrivacyRequestRow
    return await session.scalar(
        select(row).where(
            row.tenant_id == tenant_id, row.citizen_id == citizen_id, row.kind == kind, row.state.in_(OPEN)
        )
    )


async def own(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> list[Acknowledged]:
    """The citizen's requests, newest first, at most ten."""
    found = await session.scalars(
        select(PrivacyRequestRow)
        .where(PrivacyRequestRow.tenant_id == tenant_id, PrivacyRequestRow.citizen_id == citizen_id)
        .order_by(PrivacyRequestRow.id.desc())
        .limit(10)
    )
    return [_acknowledged(row, is_new=False) for row in found]


def seal_note(vault: TenantVault, request_id: UUID, words: str) -> bytes:
    """The words of a request or of the office, for `note_sealed`."""
    return vault.seal(words.encode(), f"privacy_requests.note/{request_id}")


def read_note(vault: TenantVault, request_id: UUID, sealed: bytes | None) -> str | None:
    """Those words again."""
    return vault.open(sealed, f"privacy_requests.note/{request_id}").decode() if sealed else None


async def _withdraw(
    session: AsyncSession, tenant_id: UUID, citizen_id: UUID, purposes: Sequence[str], at: datetime, code: str
) -> None:
    for purpose in purposes:
        await consent.withdraw(
            session,
            tenant_id,
            citizen_id,
            cast("consent.Purpose", purpose),
            how="chat",
            at=at,
            evidence=f"request:{code}",
        )
    if "status" in purposes:
        await unsubscribe(session, tenant_id, citizen_id, at=at, evidence=f"request:{code}")


def _code() -> str:
    drawn = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"YC-{drawn[:4]}-{drawn[4:]}"


def _acknowledged(row: PrivacyRequestRow, *, is_new: bool) -> Acknowledged:
    title = phrases(ROOM)[f"kind_{row.kind}"]
    done = row.state == "done"
    key = "withdrawn" if row.kind == "withdraw" and done else "acknowledged"
    due = row.due_at.astimezone(VN)
    due_said = phrases(ROOM)["moment"].format(time=f"{due:%H:%M}", day=f"{due:%d/%m/%Y}")
    facts = {"code": row.code, "title": title, "due": due_said}
    return Acknowledged(
        id=row.id,
        code=row.code,
        kind=row.kind,
        title=title,
        due_at=row.due_at,
        is_new=is_new,
        done=done,
        words=fill(ROOM, key, **facts),
        is_open=row.state in OPEN,
    )
