"""The catalogue's tables: the national layer, shared by all provinces, and each province's own layer over it.

Rows are versions and are only ever added. The national layer belongs to no province: the application role may read it and nothing
else, so that no province's key and no fault of a request can change what all the others see.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

# `file`: the tenant's own folder; the others are people's doing and outlast an `apply`.
ORIGINS = ("api", "import", "cli", "file")


class NationalImportRow(Base):
    """One act of writing the national layer: who, from which file, what it did. The newest number tells processes to read again."""

    __tablename__ = "national_imports"

    number: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    actor: Mapped[str]
    file_name: Mapped[str]
    file_hash: Mapped[bytes]
    summary: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class NationalProcedureRow(Base):
    """One version of a national procedure: what is laid over the shipped row, from `valid_from` on (None: always).

    `patch` is whole: it repeats what earlier versions said and still holds.
    """

    __tablename__ = "national_procedures"

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[date | None]
    patch: Mapped[dict[str, Any]]
    import_number: Mapped[int] = mapped_column(ForeignKey("national_imports.number"))


class ProcedureOverrideRow(TenantRow, Base):
    """One version of what a province lays over a procedure, or of a procedure of its own; an empty `patch` ends it."""

    __tablename__ = "procedure_overrides"
    __table_args__ = (CheckConstraint(f"origin IN {ORIGINS}", name="origin"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[date | None]
    patch: Mapped[dict[str, Any]]
    origin: Mapped[str]
    actor: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CatalogueMarkRow(TenantRow, Base):
    """How often a province's layer was written: one row, locked by every writer, so that versions are numbered one after another."""

    __tablename__ = "catalogue_marks"

    mark: Mapped[int] = mapped_column(server_default="0")
