"""Every command line in the documents exists: its commands, its options, their values; those to be typed are parsed as they stand."""

import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import click
import pytest
from click.exceptions import BadParameter

from govchat.cli.main import govchat

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
# What stands for a value: SLUG, MÃ_ZALO, FILE…, "lý do", <id>.
PLACEHOLDER = re.compile(r"[^a-z0-9]*[A-ZĐÀ-Ỹ0-9_-]+…?|.*[…<>].*")
SPAN = re.compile(r"`(?:[^`]*/)?govchat ([^`]+)`")
TYPED = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?govchat (?!ready|\s*#)(.+)$")
PIPED = re.compile(r"\| (?:\S*/)?govchat (.+)$")


def lines_of(document: Path) -> Iterator[tuple[int, str, bool]]:
    """(line, words behind `govchat`, whether they are to be typed)."""
    fenced = False
    for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            for found in (TYPED.match(line.strip()), PIPED.search(line)):
                if found:
                    yield number, found[1], True
        else:
            yield from ((number, words.replace("\\|", "|"), False) for words in SPAN.findall(line))


def told_in(document: Path) -> list[tuple[int, str, bool]]:
    return list(lines_of(document))


def words_of(line: str) -> list[str]:
    """The words of one command: without what the shell does with it, and without the brackets around what may be left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|;&<>"):
            break
        words.append(word.strip("[]"))
    return [word for word in words if word and word != "…"]


def variants(line: str) -> Iterator[list[str]]:
    """`show|set SLUG` is two lines."""
    text = re.sub(r"(?<=\w)\|(?=\w)", "\x00", line)
    for each in product(*(word.split("\x00") for word in words_of(text))):
        yield list(each)


def walk(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """The command that the words lead to, and what is left of them; raises `AssertionError`."""
    command: click.Command = govchat
    context = click.Context(command, info_name="govchat")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            assert PLACEHOLDER.fullmatch(words[0]), f'"{context.command_path}" has no command "{words[0]}"'
            return command, context, []
        command, words = found, words[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    return command, context, words


def look_at(words: list[str]) -> None:
    """Options and choices of a line that is mentioned; raises `AssertionError`."""
    command, context, rest = walk(words)
    known = {name: param for param in command.get_params(context) for name in (*param.opts, *param.secondary_opts)}
    places = [param for param in command.params if isinstance(param, click.Argument)]
    given = 0
    while rest:
        word, *rest = rest
        if word.startswith("-") and len(word) > 1:
            name, _, value = word.partition("=")
            assert name in known, f'"{context.command_path}" has no option {name}'
            option = known[name]
            if isinstance(option, click.Option) and not option.is_flag and not value:
                value, rest = (rest[0], rest[1:]) if rest and not rest[0].startswith("-") else ("", rest)
            check_choice(option, value)
        elif isinstance(command, click.Group):
            raise AssertionError(f'"{context.command_path}" has no command "{word}"')
        else:
            endless = any(param.nargs == -1 for param in places)
            assert endless or given < len(places), f'"{context.command_path}" takes no "{word}"'
            if not endless:
                check_choice(places[given], word)
            given += 1


def check_choice(param: click.Parameter, value: str) -> None:
    if isinstance(param.type, click.Choice) and value and not PLACEHOLDER.fullmatch(value):
        assert value in param.type.choices, f"{param.opts[0]} takes no {value}"


def parse(words: list[str]) -> None:
    """A line that is to be typed, as click reads it; raises `AssertionError`."""
    command, context, rest = walk(words)
    if "--help" in rest:
        return
    try:
        command.make_context(command.name, rest, parent=context.parent)
    except BadParameter as bad:
        # A value that stands for another, a file that isn't here.
        if "No such file" in bad.message or any(PLACEHOLDER.fullmatch(word) and word in bad.message for word in rest):
            return
        raise AssertionError(bad.format_message()) from None
    except click.ClickException as wrong:
        raise AssertionError(wrong.format_message()) from None


def check(line: str, *, typed: bool) -> None:
    """Raises `AssertionError` for what the command line doesn't have."""
    for words in variants(line):
        look_at(words)
        if typed:
            parse(words)


@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if told_in(each)], ids=lambda each: str(each.relative_to(ROOT))
)
def test_every_command_line_of_the_document_exists(document: Path) -> None:
    wrong = []
    for number, line, typed in lines_of(document):
        try:
            check(line, typed=typed)
        except AssertionError as error:
            wrong.append(f"{document.relative_to(ROOT)}:{number} govchat {line}: {error}")
    assert not wrong, "\n".join(wrong)


def test_the_guide_was_found_at_all() -> None:
    assert sum(len(told_in(each)) for each in DOCUMENTS if each.parent.name == "vi") > 50


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("tenant chek SLUG", 'no command "chek"'),
        ("tenant check SLUG --jsn", "no option --jsn"),
        ("tenant move SLUG alive", "takes no alive"),
        ("secret set SLUG app-key", "takes no app-key"),
        ("tenant export SLUG --to DIR extra", 'takes no "extra"'),
        ("tenant status|shw SLUG", 'no command "shw"'),
    ],
)
def test_a_line_that_does_not_exist_is_found(line: str, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        check(line, typed=True)
