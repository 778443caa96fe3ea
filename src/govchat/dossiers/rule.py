"""Setting the rules by which one province counts deadlines, from one file that its office keeps.

```toml
[[office]]
unit = "Công an phường Trảng Dài"
saturday = "07:30-11:30"

[[procedure]]
code = "1.013225"
pause = "shift"
```

The file says everything: what it no longer holds counts as usual again. Appointments already made stay as they were promised.
"""

import tomllib
from typing import ClassVar
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.dossiers.models import DossierRuleRow
from govchat.dossiers.terms import Counted, Office, unit_key
from govchat.errors import ConfigurationError, DomainError
from govchat.procedures.catalogue import national_code


class RulesInvalid(DomainError):
    """The file holds no rules that can be followed."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "dossier_rules_invalid"
    title: ClassVar[str] = "The rules of deadlines are not valid"


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    office: tuple[Office, ...] = ()
    procedure: tuple[Counted, ...] = ()


def parse(text: str, source: str) -> Rules:
    """Read and check a file; raises `RulesInvalid` naming file, entry and value."""
    try:
        rules = msgspec.convert(tomllib.loads(text), Rules)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RulesInvalid(f"{source}: {error}") from None
    for number, office in enumerate(rules.office, start=1):
        try:
            _ = office.hours
        except (ValueError, ConfigurationError) as error:
            raise RulesInvalid(f'{source}: office {number} "{office.unit}": {error}') from None
    for number, counted in enumerate(rules.procedure, start=1):
        if national_code(counted.code) is None:
            raise RulesInvalid(f'{source}: procedure {number} "{counted.code}": expected a code such as 1.013225')
    _refuse_doubles(source, "office", [unit_key(office.unit) for office in rules.office])
    _refuse_doubles(source, "procedure", [_code(counted) for counted in rules.procedure])
    return rules


async def replace(session: AsyncSession, tenant_id: UUID, rules: Rules, *, actor: str) -> None:
    """Let these rules hold, and no others; noted in the audit trail."""
    before = await current(session, tenant_id)
    rows = [("office", unit_key(office.unit), office) for office in rules.office]
    rows += [("procedure", _code(counted), counted) for counted in rules.procedure]  # type: ignore[misc]
    await session.execute(delete(DossierRuleRow).where(DossierRuleRow.tenant_id == tenant_id))
    if rows:
        values = [
            {"tenant_id": tenant_id, "kind": kind, "subject": subject, "rule": msgspec.to_builtins(rule)}
            for kind, subject, rule in rows
        ]
        await session.execute(insert(DossierRuleRow), values)
    if rules != before:
        await note(
            session,
            tenant_id,
            actor=actor,
            act="dossier_rules.replaced",
            subject="dossier_rules",
            before=before,
            after=rules,
        )


async def current(session: AsyncSession, tenant_id: UUID) -> Rules:
    """The rules that hold, by name."""
    rows = await session.scalars(
        select(DossierRuleRow)
        .where(DossierRuleRow.tenant_id == tenant_id)
        .order_by(DossierRuleRow.kind, DossierRuleRow.subject)
    )
    found = list(rows)
    return Rules(
        tuple(msgspec.convert(row.rule, Office) for row in found if row.kind == "office"),
        tuple(msgspec.convert(row.rule, Counted) for row in found if row.kind == "procedure"),
    )


def _code(counted: Counted) -> str:
    return national_code(counted.code) or counted.code


def _refuse_doubles(source: str, kind: str, subjects: list[str]) -> None:
    doubled = next((each for each in subjects if subjects.count(each) > 1), None)
    if doubled is not None:
        raise RulesInvalid(f'{source}: {kind} "{doubled}" stands there twice: keep one entry')
