"""`govchat conversation replay`: recorded dialogues run through the conversation, without a database."""

import sys
from pathlib import Path

import click


@click.group()
def conversation() -> None:
    """Try conversations without citizens."""


@conversation.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--show", is_flag=True, help="Print every turn, not only what went otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one line a dialogue.")
def replay(files: tuple[Path, ...], show: bool, as_json: bool) -> None:
    """Run recorded dialogues; exits with 1 when one differs."""
    import msgspec

    from govchat.conversation.replay import load_dialogues, play

    count = failed = 0
    for path in files:
        for dialogue in load_dialogues(path):
            turns = list(play(dialogue))
            count += 1
            wrong = any(turn.wrong for turn in turns)
            failed += wrong
            if as_json:
                told = {"file": str(path), "name": dialogue.name, "as_recorded": not wrong, "turns": turns}
                click.echo(msgspec.json.encode(told).decode())
                continue
            if not (wrong or show):
                continue
            click.echo(f"{path}: {dialogue.name}")
            for turn in turns:
                if show or turn.wrong:
                    click.echo(f"  > {turn.heard}")
                    click.echo("\n".join(f"    {line}" for line in (turn.said or "(no answer)").splitlines()))
                    if turn.offered:
                        click.echo(f"    [{'] ['.join(turn.offered)}]")
                for one in turn.wrong:
                    click.echo(f"  ! {one}")
    if not as_json:
        click.echo(f"{count} dialogues, {failed} not as recorded")
    if failed:
        sys.exit(1)
