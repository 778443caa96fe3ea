"""The settings of a command: the environment, completed by the stack that `govchat up` runs."""

import os
from pathlib import Path

import click

from govchat.local.stack import load
from govchat.settings import Settings

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    envvar="GOVCHAT_DATA_DIR",
    default=Path(".govchat"),
    show_default=True,
    help="The folder of the running `govchat up`.",
)


def beside_up(data_dir: Path) -> Settings:
    """Settings of a command that talks to a running stack: given URLs win, else the stack in `data_dir`."""
    return Settings.from_env(load(os.environ, data_dir))
