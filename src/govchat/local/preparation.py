"""What `govchat up` puts into a migrated database: every manifest applied with the files beside it, sample dossiers for every province."""

import asyncio
from collections.abc import Iterator
from datetime import date
from itertools import islice

import msgspec
from sqlalchemy import func, select

from govchat.db.session import Database
from govchat.dossiers.intake import create_missing
from govchat.dossiers.models import DossierRow
from govchat.dossiers.schemas import DossierIn
from govchat.errors import ConfigurationError
from govchat.kit import clock
from govchat.local.samples import SampleDossier, generate
from govchat.onboarding.part_files import check_folders
from govchat.onboarding.parts import PARTS
from govchat.procedures.book import Book
from govchat.settings import Settings
from govchat.tenants.apply import apply_all
from govchat.tenants.manifest import read_all
from govchat.tenants.registry import Registry, Tenant

PARALLEL = 4
BATCH = 500
# Shown first: the README's example.
EXAMPLES = ("dong-nai", "ha-noi", "lam-dong")


async def prepare(settings: Settings, *, seed: bool = True) -> list[str]:
    """Apply every manifest and seed provinces that have no dossier yet; returns three codes to try.

    Raises `ConfigurationError` with every finding when a manifest is wrong; nothing is applied then.
    """
    read = read_all(settings.tenants_dir)
    if findings := [*read.findings, *check_folders(settings.tenants_dir)]:
        raise ConfigurationError("the manifests have mistakes:\n" + "\n".join(map(str, findings)))
    db = Database.connect(settings.database_url, part="preparation", pool_size=PARALLEL)
    try:
        registry = Registry(db, settings)
        folder = settings.tenants_dir
        await apply_all(db, registry.vault, settings, read.manifests, folder=folder, parts=PARTS)
        await registry.load()
        if not seed:
            return []
        book = Book(db, registry)
        await book.load()
        gate = asyncio.Semaphore(PARALLEL)
        today = clock.now().astimezone(clock.VN).date()

        async def one(tenant: Tenant) -> None:
            async with gate:
                await seed_samples(registry, tenant, book, today)

        await asyncio.gather(*(one(tenant) for tenant in registry.now.tenants.values()))
        known = registry.now.by_slug
        shown = [known[slug] for slug in EXAMPLES if slug in known] or list(known.values())[:3]
        return [next(iter(samples_of(tenant, today, 1))).code for tenant in shown]
    finally:
        await db.close()


def samples_of(tenant: Tenant, today: date, count: int = 24) -> list[SampleDossier]:
    """The tenant's first `count` sample dossiers."""
    return list(_generate(tenant, today, count))


def _generate(tenant: Tenant, today: date, count: int) -> Iterator[SampleDossier]:
    # Sample people are made from the codes of 2020: a newer code has none.
    h_codes = [code for code in tenant.manifest.h_codes if code.holds_on(today) and "H01" <= code.code <= "H63"]
    own = next((code.code for code in h_codes if code.kind == "own"), None)
    if own is None:
        return iter(())
    return generate(tenant.slug, own, [code.code for code in h_codes if code.kind == "absorbed"], today, count)


async def seed_samples(registry: Registry, tenant: Tenant, book: Book, today: date) -> int:
    """Put the samples through the same intake as a one-stop system's, unless the tenant has dossiers."""
    vault = await registry.tenant_vault(tenant.id)
    async with registry.db.tenant(tenant.id) as session:
        if await session.scalar(select(func.count()).select_from(DossierRow).where(DossierRow.tenant_id == tenant.id)):
            return 0
        made = samples_of(tenant, today)
        await create_missing(session, vault, tenant.id, book, [(sample.code, body_of(sample)) for sample in made])
        return len(made)


async def sow_dossiers(registry: Registry, tenant: Tenant, book: Book, today: date, count: int) -> int:
    """Put the first `count` samples in, those that are missing; answers how many were. Thousands take seconds."""
    vault = await registry.tenant_vault(tenant.id)
    made, rest = 0, _generate(tenant, today, count)
    while batch := list(islice(rest, BATCH)):
        async with registry.db.tenant(tenant.id) as session:
            items = [(sample.code, body_of(sample)) for sample in batch]
            made += len(await create_missing(session, vault, tenant.id, book, items))
    return made


def body_of(sample: SampleDossier) -> DossierIn:
    """The sample as a one-stop system would push it."""
    fields = msgspec.to_builtins(sample)
    del fields["code"]
    return msgspec.convert(fields, DossierIn)
