"""`govchat up`: everything on one machine, in the foreground, until Ctrl-C."""

import os
import sys
from pathlib import Path

import click

PORT = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=".govchat",
    envvar="GOVCHAT_DATA_DIR",
    show_default=True,
    help="Where the database, the logs and the secrets of this stack live.",
)
@click.option("--port", type=PORT, default=8000, show_default=True, help="The API's port on 127.0.0.1.")
@click.option("--simulator-port", type=PORT, default=8001, show_default=True, help="The simulator's port on 127.0.0.1.")
@click.option("--simulator/--no-simulator", default=True, help="Start a false Zalo and talk to it, or to Zalo itself.")
@click.option(
    "--tenants",
    type=click.Path(path_type=Path),
    default="tenants",
    envvar="GOVCHAT_TENANTS_DIR",
    show_default=True,
    help="The folder of the manifests.",
)
@click.option("--seed/--no-seed", default=True, help="Make sample dossiers in every tenant that has none.")
def up(  # click calls it by name
    data_dir: Path, port: int, simulator_port: int, simulator: bool, tenants: Path, seed: bool
) -> None:
    """Start everything on this machine, until Ctrl-C.

    Database, migrations, tenants, sample dossiers, API, workers, simulator.
    """
    from govchat.local.bring_up import Options, bring_up

    bring_up(
        Options(
            data_dir=data_dir, port=port, simulator_port=simulator_port, simulator=simulator, tenants=tenants, seed=seed
        ),
        os.environ,
        _say,
    )


def _say(line: str) -> None:
    try:
        click.echo(line)
    except OSError:  # nobody reads us any more; the stack goes on
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
