"""Stand-ins for the parts of the stack that other rooms provide, and an `up` over them.

`python tests/local/stand_ins.py up --data-dir … --port …` is `govchat up` in every respect but the programs it starts.
"""

import asyncio
import http.server
import os
import sys
import time
from functools import partial
from pathlib import Path

import click
import msgspec

from govchat.cli import up as cli_up
from govchat.errors import ConfigurationError
from govchat.local import bring_up, postgres, steps


def part(*words: str) -> tuple[str, ...]:
    return (sys.executable, __file__, *words)


PROGRAMS = bring_up.Programs(
    preparation=part("preparation"),
    api=part("api", "{port}"),
    worker=part("worker"),
    bulk_worker=part("worker", "--bulk"),
    simulator=part("simulator", "{port}"),
)


def heartbeat() -> Path:
    return Path(os.environ["GOVCHAT_DATA_DIR"]) / "heartbeat"


class Yes(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"checks": [{"name": "worker", "ok": heartbeat().exists()}, {"name": "worker-bulk", "ok": False}]}
        body = msgspec.json.encode(found) if self.path == "/healthz/ready" else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def prepare() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=steps.Order)
    if order.secrets is not None:
        asyncio.run(postgres.settle_database(order.port, order.secrets))
    sys.stdout.buffer.write(msgspec.json.encode(steps.Report(step="preparing")) + b"\n")
    sys.stdout.buffer.write(
        msgspec.json.encode(steps.Report(codes=["H19.12-261103-0007"] if order.seed else [])) + b"\n"
    )


def main() -> None:
    match sys.argv[1:]:
        case ["up", *arguments]:
            bring_up.bring_up = partial(bring_up.bring_up, programs=PROGRAMS)  # the command imports it when it runs
            cli_up.up(arguments, prog_name="govchat up", standalone_mode=False)
        case ["preparation"]:
            prepare()
        case ["api" | "simulator" as name, port]:
            if name == "api":
                heartbeat().unlink(missing_ok=True)
                sys.stdin.readline()  # held, as the real one
            http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Yes).serve_forever()
        case ["worker", *bulk]:
            sys.stdin.readline()
            if not bulk:
                time.sleep(0.2)
                heartbeat().touch()
            time.sleep(3600)


if __name__ == "__main__":
    try:
        main()
    except ConfigurationError as error:
        click.echo(f"govchat: {error}", err=True)
        sys.exit(1)
