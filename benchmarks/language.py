"""How well and how fast sentences are read: `python -m benchmarks.language [--index FILE.csv] [--sentences FILE.jsonl …]`.

Prints the figures and the worst confusions on the sentences of tests/language/, once as written, once without any marks: blind.jsonl, of
which only the figures were ever looked at, unseen.jsonl, which stands in no rule either, and develop.jsonl, by whose errors the rules are
mended and whose wrong readings are therefore printed. With `--index` (CSV with the columns national_code, name, field) it also measures
quality, time a message, start-up and memory over that catalogue laid beside the starter one. Targets: p95 <= 5 ms with 5,608 procedures,
<= 80 MiB for 34 tenants that share it, <= 1.5 s of CPU to start.
"""

import argparse
import csv
import time
import tracemalloc
from pathlib import Path

from benchmarks.ground import ROOT
from govchat.conversation.rulebook import code_finder, everyday, shared_book
from govchat.kit.clock import VN, now
from govchat.kit.text import fold
from govchat.language.book import Book, book, for_tenant, shipped_rules
from govchat.language.names import Entry
from govchat.language.read import read
from govchat.language.report import load, measure, printed
from govchat.procedures.catalogue import starter

SENTENCES = ROOT / "tests" / "language"
BLIND, UNSEEN, DEVELOP = (SENTENCES / f"{name}.jsonl" for name in ("blind", "unseen", "develop"))
TENANTS, WORDS_A_TENANT, ROUNDS = 34, 50, 5


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--index", type=Path)
    parser.add_argument("--sentences", type=Path, nargs="*", default=[BLIND, UNSEEN, DEVELOP])
    parser.add_argument("--wrong", type=int, default=25, help="how many wrong readings to print")
    asked = parser.parse_args()
    finder = code_finder(now().astimezone(VN).date())
    starter = shared_book()
    for file in asked.sentences:
        figures = measure(load(file.read_text("utf-8")), lambda text: read(text, starter, find_codes=finder))
        print(f"{file.name}: {printed(figures, asked.wrong if file != BLIND else 0)}")
        plain = measure(load(file.read_text("utf-8")), lambda text: read(fold(text), starter, find_codes=finder))
        print(f"{file.name} without marks: {printed(plain, 0)}")
    texts = [one.text for file in asked.sentences for one in load(file.read_text("utf-8"))]
    _time("starter catalogue", starter, texts)
    if asked.index:
        _with_index(asked.index, texts, asked.sentences)


def _with_index(file: Path, texts: list[str], sentences: list[Path]) -> None:
    entries = _entries(file)
    began = time.process_time()
    large = book(entries)
    print(f"index of {len(large.names)} procedures: {time.process_time() - began:.2f} s of CPU (<= 1.5)")
    _quality(large, sentences)
    _time("large catalogue", large, [*texts, *(entry[1] for entry in entries[::20])])
    del large
    shipped_rules.cache_clear()
    tracemalloc.start()
    shared = book(entries)
    tenants = [
        for_tenant(shared, {entries[n][0]: (f"từ riêng {tenant} {n}",) for n in range(WORDS_A_TENANT)})
        for tenant in range(TENANTS)
    ]
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"rules, index and {len(tenants)} tenants with {WORDS_A_TENANT} words each: {used / 2**20:.1f} MiB (<= 80)")


def _quality(over: Book, sentences: list[Path]) -> None:
    finder = code_finder(now().astimezone(VN).date())
    for file in sentences:
        figures = measure(load(file.read_text("utf-8")), lambda text: read(text, over, find_codes=finder))
        print(f"{file.name} over {len(over.names)} procedures: {printed(figures, 0)}")


def _entries(file: Path) -> list[Entry]:
    """The starter catalogue with its everyday words, and every procedure of the file that it lacks: what an import leaves."""
    known = [(one.code, one.name, one.field, everyday(one.aliases)) for one in starter()]
    have = {code for code, *_ in known}
    with file.open(encoding="utf-8", newline="") as rows:
        more = [(row["national_code"], row["name"], row["field"], ()) for row in csv.DictReader(rows)]
    return [*known, *(entry for entry in more if entry[0] not in have)]


def _time(name: str, over: Book, texts: list[str]) -> None:
    finder = code_finder(now().astimezone(VN).date())
    taken = []
    for _ in range(ROUNDS):
        for text in texts:
            began = time.process_time()  # not the clock's: what else the machine does is no part of it
            read(text, over, find_codes=finder)
            taken.append((time.process_time() - began) * 1000)
    taken.sort()
    middle, high = taken[len(taken) // 2], taken[len(taken) * 95 // 100]
    print(f"{name}: {middle:.2f} ms in the middle, {high:.2f} ms at p95, {taken[-1]:.1f} ms at most (p95 <= 5)")


if __name__ == "__main__":
    main()
