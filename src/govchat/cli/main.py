"""The entry point: a group that imports a command's module only when that command is asked for."""

import importlib
import sys

import click

from govchat.errors import ConfigurationError, DomainError
from govchat.kit.loading import loading

# command → (module in govchat.cli, attribute)
COMMANDS = {
    "up": ("up", "up"),
    "api": ("serve", "api"),
    "worker": ("serve", "worker"),
    "simulator": ("serve", "simulator"),
    "migrate": ("serve", "migrate"),
    "tenant": ("tenant", "tenant"),
    "secret": ("secret", "secret"),
    "key": ("key", "key"),
    "incident": ("incident", "incident"),
    "audit": ("audit", "audit"),
    "procedure": ("procedure", "procedure"),
    "seed": ("seed", "seed"),
    "wording": ("wording", "wording"),
    "receipt": ("receipt", "receipt"),
    "callback": ("callback", "callback"),
    "dossiers": ("dossiers", "dossiers"),
    "notice": ("notice", "notice"),
    "template": ("template", "template"),
    "explain": ("explain", "explain"),
    "campaign": ("campaign", "campaign"),
    "understand": ("understand", "understand"),
    "conversation": ("conversation", "conversation"),
    "petition": ("petition", "petition"),
    "chat": ("chat", "chat"),
    "report": ("report", "report"),
    "privacy": ("privacy", "privacy"),
}


class LazyGroup(click.Group):
    """Lists every command by name and imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        with loading():
            command = getattr(importlib.import_module(f"govchat.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"max_content_width": 100})
@click.version_option(package_name="govchat")
def govchat() -> None:
    """govchat: provinces talk with their citizens over Zalo."""


def main() -> None:
    """Run the command; a refusal is one sentence on standard error and exit status 1."""
    try:
        govchat(prog_name="govchat")
    except (ConfigurationError, DomainError) as error:
        click.echo(f"govchat: {error}", err=True)
        sys.exit(1)
