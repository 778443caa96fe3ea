"""Intake of dossiers in batches against a bare insert of the same rows, and the look-up by code in a large table against a small one.

Targets: ≥ 2,000 dossiers a second on two cores with events and notices planned; look-up at 5,000,000 dossiers over 34 provinces ≤ 1.3 ×
its cost at 100,000 (p95). `BENCH_DOSSIERS` sets the larger number.
"""

import asyncio
import os
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from benchmarks.ground import Ground, ground
from govchat.db.session import Database
from govchat.dossiers import batch, store
from govchat.kit.ids import new_id
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry

SMALL, LARGE = 100_000, int(os.environ.get("BENCH_DOSSIERS", "5000000"))
ROUNDS, BATCH, AT_ONCE = 8, 1000, 2
LOOKUPS = 3000
BEGAN = datetime(2026, 11, 2, 1, tzinfo=UTC)

# The n-th code of a province, every one once.
CODE = """
format('H%s.%s-26%s%s-%s', 10 + {place}, n / 1000000 + 1, lpad(((n / 9000) % 12 + 1)::text, 2, '0'),
       lpad(((n / 300) % 28 + 1)::text, 2, '0'), lpad((n % 1000000)::text, 6, '0'))
"""
# Rows of a realistic size with ids in the order of time, as ours are, straight into the table; the policies bind everybody, so each
# province by itself.
SOW = """
INSERT INTO dossiers (tenant_id, id, code, code_key, procedure_code, status, unit, received_at, due_at, due_given, changed_at,
                      private_sealed, content_hash, last_event)
SELECT '{tenant}', uuidv7(), c.code, c.code, '1.013225', 1 + n % 10, 'Sở Xây dựng', now(), now() + interval '9 days', true, now(),
       decode(repeat('ab', 220), 'hex'), decode(repeat('cd', 32), 'hex'), 1
FROM generate_series({first}, {last}) AS n, LATERAL (SELECT {code} AS code) c
"""
# Anywhere in the table: what was put last is not what is asked for most.
ANYWHERE = (
    "SELECT {code} FROM (SELECT 1 + floor(random() * {last})::bigint AS n FROM generate_series(1, {most})) AS any_n"
)
LOOK_UP = "SELECT id, code, status, unit, received_at, due_at, private_sealed FROM dossiers WHERE tenant_id = $1 AND code_key = $2"


def main() -> None:
    """Run and print."""
    import uvloop  # noqa: PLC0415

    with ground() as place:
        uvloop.run(_run(place))


async def _run(place: Ground) -> None:
    db = Database.connect(place.settings.database_url, part="bench", pool_size=8, statement_timeout_ms=600_000)
    registry = Registry(db, place.settings)
    await registry.load()
    await _intake(registry)
    await _lookup(registry, place.settings.migration_database_url)
    await db.close()


def _items(prefix: int, number: int, status: int) -> list[msgspec.Raw]:
    rows = [
        {
            "code": f"H{prefix}.12-261102-{number * BATCH + n:06d}",
            "procedure_code": "1.013225",
            "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": f"09{n:08d}", "id_number": "060190000123"},
            "lookup_secret": "K7PX",
            "received_at": "2026-11-02T09:12:00+07:00",
            "status": status,
            "status_note": "Đang thẩm định tại hiện trường",
            "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
            "changed_at": (BEGAN + timedelta(hours=status)).isoformat(),
        }
        for n in range(BATCH)
    ]
    encoded = msgspec.json.encode({"items": rows})
    return msgspec.json.decode(encoded, type=dict[str, list[msgspec.Raw]])["items"]


async def _intake(registry: Registry) -> None:
    tenants = list(registry.now.tenants.values())[: AT_ONCE * 2]
    for status, what in ((2, "new"), (4, "changed")):
        work = [[_items(10 + i, n, status) for n in range(ROUNDS)] for i in range(AT_ONCE)]
        began = time.perf_counter()
        await asyncio.gather(*(_put(registry, tenants[i].id, work[i]) for i in range(AT_ONCE)))
        ours = AT_ONCE * ROUNDS * BATCH / (time.perf_counter() - began)
        began = time.perf_counter()
        await asyncio.gather(*(_bare(registry, tenants[AT_ONCE + i].id, i, status) for i in range(AT_ONCE)))
        bare = AT_ONCE * ROUNDS * BATCH / (time.perf_counter() - began)
        print(
            f"dossiers, {what}, in batches of {BATCH}: {ours:.0f}/s (target ≥ 2,000); the same rows inserted bare {bare:.0f}/s, "
            f"ratio {ours / bare:.2f}",
            flush=True,
        )


async def _put(registry: Registry, tenant_id: UUID, work: list[list[msgspec.Raw]]) -> None:
    vault, book = await registry.tenant_vault(tenant_id), Book(registry.db, registry)
    for items in work:
        async with registry.db.tenant(tenant_id) as session:
            done = await batch.put_batch(session, vault, tenant_id, book, items)
        assert {each.outcome for each in done} <= {"created", "updated"}, done[0]


async def _bare(registry: Registry, tenant_id: UUID, place: int, status: int) -> None:
    """As many rows of both tables, of the same size, without reading, judging or sealing anything."""
    columns = {**store._ALL}
    for number in range(ROUNDS):
        ids = [new_id() for _ in range(BATCH)]
        fixed: dict[str, Any] = {
            "status": status, "unit": "Sở Xây dựng", "procedure_code": "1.013225", "due_given": True, "changed_at": BEGAN,
            "received_at": BEGAN, "due_at": BEGAN, "first_due_at": BEGAN, "reappointments": 0, "last_event": 1, "flags": "",
            "content_hash": bytes(32), "private_sealed": bytes(260), "secret_hash": bytes(32), "phone_index": bytes(32),
        }  # fmt: skip
        rows = {name: [fixed.get(name)] * BATCH for name in columns}
        rows["id"] = ids
        rows["code"] = rows["code_key"] = [
            f"H{40 + place}.{status}-261102-{number * BATCH + n:06d}" for n in range(BATCH)
        ]
        events = {name: [fixed.get(name)] * BATCH for name in store._EVENT}
        events |= {"dossier_id": ids, "number": [1] * BATCH, "told_sealed": [bytes(90)] * BATCH}
        async with registry.db.tenant(tenant_id) as session:
            await session.execute(store.INSERT, {"tenant": tenant_id, **rows})
            await session.execute(store.APPEND, {"tenant": tenant_id, **events})


async def _lookup(registry: Registry, owner_url: str) -> None:
    seen: dict[int, float] = {}
    tenants = list(registry.now.tenants)
    have = 0
    for size in (SMALL, LARGE):
        each = size // len(tenants)
        began, left = time.perf_counter(), list(enumerate(tenants))
        await asyncio.gather(*(_sow(registry, left, have + 1, each) for _ in range(AT_ONCE)))
        have = each
        await _rest(owner_url)
        print(f"  {size:,} dossiers after {time.perf_counter() - began:.0f} s", flush=True)
        codes: dict[UUID, list[str]] = {}
        for place, tenant_id in enumerate(tenants):
            code = CODE.format(place=place)
            rows = await registry.db.rows(ANYWHERE.format(code=code, last=each, most=2 * LOOKUPS // len(tenants) + 1))
            codes[tenant_id] = [row[0] for row in rows]
        seen[size] = await _look_up(registry, codes)
        print(f"  look-up at {size:,} dossiers: p95 {seen[size] * 1e6:.0f} µs", flush=True)
    print(f"dossiers, look-up by code, p95 at {LARGE:,} ÷ {SMALL:,}: {seen[LARGE] / seen[SMALL]:.2f} (target ≤ 1.3)")


async def _sow(registry: Registry, left: list[tuple[int, UUID]], first: int, last: int) -> None:
    while left:
        place, tenant_id = left.pop()
        async with registry.db.tenant(tenant_id) as session:
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert driver is not None
            await driver.execute("SET LOCAL synchronous_commit = off")
            code = CODE.format(place=place)
            await driver.execute(SOW.format(tenant=tenant_id, first=first, last=last, code=code), timeout=600)


async def _rest(owner_url: str) -> None:
    """What autovacuum would do in the middle of the measurement, done before it."""
    connection = await asyncpg.connect(owner_url.replace("+asyncpg", ""))
    await connection.execute("SET maintenance_work_mem = '256MB'")
    await connection.execute("VACUUM (ANALYZE) dossiers", timeout=1200)
    await connection.close()


async def _look_up(registry: Registry, codes: dict[UUID, list[str]]) -> float:
    """Every code once: nothing is in memory because it was asked for before."""
    asked, times = [(tenant_id, code) for tenant_id, found in codes.items() for code in found], []
    random.Random(1).shuffle(asked)
    for number, (tenant_id, code) in enumerate(asked[: LOOKUPS * 2]):
        async with registry.db.tenant(tenant_id) as session:
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert driver is not None
            began = time.perf_counter()
            assert await driver.fetchrow(LOOK_UP, tenant_id, code)
            if number >= LOOKUPS:  # the first half warms the connection and the inner pages of the indexes
                times.append(time.perf_counter() - began)
    return sorted(times)[int(0.95 * len(times))]


if __name__ == "__main__":
    main()
