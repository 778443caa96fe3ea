"""`govchat up` on an empty folder and again, then what the stack costs while nobody writes.

Targets: answers within 15 s on the first start, 6 s on the next; each process ≤ 160 MiB resident when idle; ≤ 3 % of one core for the
whole stack. The ceiling beside the times is the start of PostgreSQL and Valkey alone, measured in the same run.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.ground import ROOT, cpu_seconds, ground, port, resident_mib

# The first rounds over all provinces (tokens, webhooks) belong to the start.
SETTLE_S = 45.0
IDLE_S = 60.0


def up(folder: Path) -> tuple[subprocess.Popen[str], float]:
    """Start, wait for the ready line; answers the process and the seconds it took."""
    arguments = ["up", "--data-dir", str(folder), "--port", str(port()), "--simulator-port", str(port())]
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "govchat", *arguments, "--tenants", str(ROOT / "tenants")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("GOVCHAT_")},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("govchat ready"):
            return child, time.perf_counter() - began
    raise RuntimeError("govchat up ended before it was ready")


def end(child: subprocess.Popen[str]) -> float:
    """End it in order; answers the seconds it took."""
    began = time.perf_counter()
    child.send_signal(signal.SIGTERM)
    child.wait(20)
    return time.perf_counter() - began


def main() -> None:
    """Run and print."""
    began = time.perf_counter()
    with ground():
        bare = time.perf_counter() - began
    home = Path(tempfile.mkdtemp(prefix="govchat-bench-"))
    home.chmod(0o711)
    try:
        child, first = up(home / "data")
        ended = end(child)
        child, again = up(home / "data")
        print(
            f"start: first {first:.1f} s (target ≤ 15), again {again:.1f} s (target ≤ 6), end {ended:.1f} s; stores made, migrated "
            f"and provinces applied alone {bare:.1f} s"
        )
        time.sleep(SETTLE_S)
        before = cpu_seconds(child.pid)
        time.sleep(IDLE_S)
        idle = (cpu_seconds(child.pid) - before) / IDLE_S * 100
        sizes = {
            " ".join(one.cmdline()[-2:])[-28:]: resident_mib(one.pid)
            for one in psutil.Process(child.pid).children(recursive=True)
            if one.is_running()
        }
        largest = max(sizes, key=lambda name: sizes[name])
        print(
            f"idle: {idle:.2f} % of one core for the whole stack (target ≤ 3); largest process {sizes[largest]:.0f} MiB resident "
            f"({largest.strip()}; target ≤ 160)"
        )
        end(child)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
