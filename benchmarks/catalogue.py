"""The catalogue at its full size: 5,608 national procedures imported, and what 34 provinces over them cost in memory.

Targets: import ≤ 10 s; one catalogue for 34 provinces. The ceiling beside the import is a bare COPY of the same file into one table on
the same server in the same run; beside the memory it is the national catalogue alone.
"""

import asyncio
import csv
import gc
import io
import re
import time
import tracemalloc

from benchmarks.ground import Ground, ground
from govchat.db.session import Database
from govchat.procedures import queries
from govchat.procedures.book import Book
from govchat.procedures.load_file import Options, import_national, import_province
from govchat.tenants.registry import Registry

ROWS = 5_608
OWN_ROWS = 200
HEAD = ("Mã thủ tục", "Tên thủ tục", "Cơ quan ban hành", "Cơ quan thực hiện", "Lĩnh vực")
WORDS = re.findall(
    r"\w+",
    "cấp đổi giấy phép đăng ký chứng nhận đất đai hộ tịch xây dựng thẩm định hồ sơ lao động y tế giáo dục môi trường",
)


def national_file() -> bytes:
    """A catalogue as large as the national one, with names as long (138 characters) and as many offices."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for number in range(ROWS):
        name = " ".join(WORDS[(number * 7 + word * (1 + number % 5)) % len(WORDS)] for word in range(26))
        offices = f"Ủy ban nhân dân cấp xã; Sở số {number % 667}"
        writer.writerow(
            (f"5.{number:06d}", f"{name} {number}", f"Bộ số {number % 21}", offices, f"Lĩnh vực {number % 286}")
        )
    return out.getvalue().encode()


def own_file() -> bytes:
    """What a province says differently."""
    lines = [f"5.{number:06d},{number % 90 + 10}.000 đồng" for number in range(OWN_ROWS)]
    return "\n".join(("Mã thủ tục,Lệ phí", *lines)).encode()


async def _copied(owner: Database, data: bytes) -> float:
    """Seconds of a bare COPY of the same file."""
    async with owner.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(
            "CREATE TABLE bare_copy (code text PRIMARY KEY, name text, issuer text, agency text, field text)"
        )
        began = time.perf_counter()
        await driver.copy_to_table("bare_copy", source=io.BytesIO(data), format="csv", header=True)
        took = time.perf_counter() - began
        await driver.execute("DROP TABLE bare_copy")
    return took


async def _measure(standing: Ground) -> None:
    settings = standing.settings
    owner = Database.connect(settings.migration_database_url, part="bench", statement_timeout_ms=60_000)
    db = Database.connect(settings.database_url, part="bench")
    registry = Registry(db, settings)
    await registry.load()
    data = national_file()
    bare = await _copied(owner, data)
    began = time.perf_counter()
    report = await import_national(owner, data, "national.csv", Options(), actor="cli:bench")
    took = time.perf_counter() - began
    assert report.counts["added"] == ROWS
    began = time.perf_counter()
    await import_national(owner, data, "national.csv", Options(), actor="cli:bench")
    again = time.perf_counter() - began
    print(
        f"import of {ROWS:,}: {took:.2f} s (target ≤ 10), again {again:.2f} s; bare COPY {bare:.3f} s, ratio {took / bare:.0f} : 1"
    )
    writer = Book(db, registry)
    tenants = list(registry.now.tenants)
    for tenant_id in tenants:
        await import_province(writer, tenant_id, own_file(), "own.csv", Options(), actor="cli:bench")
    del writer
    await _memory(db, registry, tenants)
    await owner.close()
    await db.close()


async def _memory(db: Database, registry: Registry, tenants: list) -> None:  # type: ignore[type-arg]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    book = Book(db, registry)
    await book._load_national()
    gc.collect()
    shared = tracemalloc.get_traced_memory()[0] - before
    await book.load()
    for tenant_id in tenants:
        assert sum(1 for _ in book.of(tenant_id).editions()) > ROWS
    gc.collect()
    whole = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(
        f"memory: {whole / 2**20:.1f} MiB for {len(tenants)} provinces with {OWN_ROWS} fees of their own each, the national catalogue "
        f"alone {shared / 2**20:.1f} MiB, ratio {whole / shared:.2f} : 1 ({len(tenants)} copies would be {len(tenants)} : 1)"
    )
    view = book.of(tenants[0])
    began = time.perf_counter()
    for _ in range(20):
        queries.page(view, "cap doi giay phep")
    print(f"search: {(time.perf_counter() - began) / 20 * 1000:.1f} ms over {ROWS:,} procedures")
    began = time.perf_counter()
    for number in range(10_000):
        view.get(f"5.{number % ROWS:06d}")
    print(f"get: {(time.perf_counter() - began) / 10_000 * 1e6:.1f} µs")


def main() -> None:
    """Run and print."""
    with ground() as standing:
        asyncio.run(_measure(standing))


if __name__ == "__main__":
    main()
