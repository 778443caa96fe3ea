"""Consent per purpose: given, withdrawn by one message, with the evidence of both.

Purposes are apart by law (Law 91/2025): status notices, being written to by telephone number, surveys, broadcasts. What somebody agreed
to is a text of `wording/vi.toml`, named by its version; a changed text gets a new one, and old evidence keeps the old one.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenPhoneRow, CitizenRow, ConsentEventRow, ConsentRow
from govchat.errors import DomainError
from govchat.kit import phone as phones
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.phrases import phrases, shipped

Purpose = Literal["status", "phone", "survey", "broadcast"]
How = Literal["chat", "form", "counter", "law"]

# What comes without having been asked for: one `dừng` ends all of it.
UNASKED: tuple[Purpose, ...] = ("broadcast", "survey")

# Somebody known by telephone number alone has no id of Zalo's; theirs here can't be mistaken for one.
BY_PHONE = "tel:"


class PhoneInvalid(DomainError):
    """A telephone number that is none."""

    status = 422
    code = "phone_invalid"
    title = "That is no telephone number"


class Text(msgspec.Struct, frozen=True):
    """What a citizen is asked to agree to, by version."""

    version: str
    text: str


ROOM = "govchat.citizens"
# The version of each text in `wording/vi.toml`.
VERSIONS: Mapping[Purpose, str] = MappingProxyType(
    {"status": "status-1", "phone": "phone-1", "survey": "survey-2", "broadcast": "broadcast-1"}
)


def text_of(purpose: Purpose) -> Text:
    """What is agreed to now, in the words of the province that is spoken in (`kit.phrases.overlaid`).

    A province's own text has a version of its own, made of the product's and of the words: `survey-2+1f0c88aa21b3`.
    """
    said, version = phrases(ROOM)[purpose], VERSIONS[purpose]
    if said != shipped(ROOM)[purpose]:
        version = f"{version}+{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    return Text(version, said)


class Consent(msgspec.Struct, frozen=True):
    """Where a citizen stands on one purpose, since when, and on which text."""

    purpose: str
    granted: bool
    changed_at: datetime
    text_version: str | None


async def give(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    purpose: Purpose,
    *,
    how: How,
    at: datetime,
    evidence: str | None = None,
) -> bool:
    """They agree to the present text of `purpose`; answers whether that is new.

    `evidence` reads `event:<id>` or the counter's reference.
    """
    return await _state(session, tenant_id, citizen_id, purpose, "granted", how, text_of(purpose).version, at, evidence)


async def withdraw(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    purpose: Purpose,
    *,
    how: How,
    at: datetime,
    evidence: str | None = None,
) -> bool:
    """They don't want it, whether or not they ever agreed; answers whether that is new. A number kept for `phone` is forgotten."""
    if purpose == "phone":
        await session.execute(
            delete(CitizenPhoneRow).where(
                CitizenPhoneRow.tenant_id == tenant_id, CitizenPhoneRow.citizen_id == citizen_id
            )
        )
    return await _state(session, tenant_id, citizen_id, purpose, "withdrawn", how, None, at, evidence)


async def _state(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    purpose: str,
    state: str,
    how: str,
    version: str | None,
    at: datetime,
    evidence: str | None,
) -> bool:
    made = insert(ConsentRow).values(
        tenant_id=tenant_id, citizen_id=citizen_id, purpose=purpose, state=state, text_version=version, changed_at=at
    )
    # What happened last counts, in the order in which it happened; the same again is no event.
    changed = await session.scalar(
        made.on_conflict_do_update(
            index_elements=["tenant_id", "citizen_id", "purpose"],
            set_={"state": state, "text_version": version, "changed_at": at},
            where=(ConsentRow.changed_at <= at)
            & ((ConsentRow.state != state) | (ConsentRow.text_version.is_distinct_from(version))),
        ).returning(ConsentRow.citizen_id)
    )
    if changed is None:
        return False
    session.add(
        ConsentEventRow(
            tenant_id=tenant_id,
            id=new_id(),
            citizen_id=citizen_id,
            purpose=purpose,
            state=state,
            how=how,
            text_version=version,
            evidence=evidence,
            at=at,
        )
    )
    await session.flush()
    return True


async def of(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> dict[str, Consent]:
    """What this citizen has said, by purpose; a purpose they never spoke of is not there."""
    rows = await session.scalars(
        select(ConsentRow).where(ConsentRow.tenant_id == tenant_id, ConsentRow.citizen_id == citizen_id)
    )
    return {row.purpose: Consent(row.purpose, row.state == "granted", row.changed_at, row.text_version) for row in rows}


async def evidence_of(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> list[ConsentEventRow]:
    """Every grant and withdrawal, oldest first."""
    rows = await session.scalars(
        select(ConsentEventRow)
        .where(ConsentEventRow.tenant_id == tenant_id, ConsentEventRow.citizen_id == citizen_id)
        .order_by(ConsentEventRow.at, ConsentEventRow.id)
    )
    return list(rows)


async def keep_phone(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    number: str,
    *,
    how: How,
    at: datetime,
    evidence: str | None = None,
) -> None:
    """Keep a number (`84…`) that may be written to, with the consent for it (`phone`)."""
    index = vault.index(number, "phone")
    values = {
        "phone_sealed": vault.seal(number.encode(), phone_context(citizen_id)),
        "phone_index": index,
        "kept_at": at,
    }
    made = insert(CitizenPhoneRow).values(tenant_id=tenant_id, citizen_id=citizen_id, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id", "citizen_id"], set_=values))
    await give(session, tenant_id, citizen_id, "phone", how=how, at=at, evidence=evidence)


async def know_phone(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, number: str, *, at: datetime
) -> tuple[UUID, str]:
    """The citizen behind a telephone number, made if new; answers their id and the number as Zalo wants it. Raises `PhoneInvalid`.

    Somebody who shared that number with the Official Account is that citizen; anybody else is known by the number alone.
    """
    normal = phones.normalise(number)
    if normal is None:
        raise PhoneInvalid("the telephone number is none: expected a Vietnamese one like 0912345678")
    index = vault.index(normal, "phone")
    known = await session.scalar(
        select(CitizenRow.id)
        .where(CitizenRow.tenant_id == tenant_id, CitizenRow.phone_index == index)
        .order_by(CitizenRow.phone_shared_at.desc().nulls_last())
        .limit(1)
    )
    if known is not None:
        return known, normal
    made = insert(CitizenRow).values(
        tenant_id=tenant_id,
        id=new_id(),
        zalo_user_id=by_phone(vault, normal),
        phone_index=index,
        phone_shared_at=at,
    )
    found = await session.scalar(
        made.on_conflict_do_update(
            index_elements=["tenant_id", "zalo_user_id"], set_={"phone_shared_at": at}
        ).returning(CitizenRow.id)
    )
    assert found is not None
    return found, normal


def by_phone(vault: TenantVault, number: str) -> str:
    """What stands for Zalo's id where a person is known by a number (`84…`) alone; the number can't be read from it."""
    return f"{BY_PHONE}{vault.index(number, 'phone').hex()[:32]}"


def phone_context(citizen_id: UUID) -> str:
    """Where a citizen's number stands, for sealing."""
    return f"citizen_phones.phone/{citizen_id}"
