"""`govchat understand`: how a sentence is read, step by step; or JSON lines in and out, for whoever measures it.

Needs no running stack: the rules, the starter catalogue and the province's words in `tenants/SLUG/words.toml` are files.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.language.book import Book
    from govchat.language.read import Reading

WORDS_FILE = "words.toml"
_HALF = re.compile(rb"(?i)\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}")
_LONGEST_LINE = 100_000  # characters of one JSON line

_STEPS = {  # for the people who edit the rules
    "protected": "giữ riêng",
    "keys": "gỡ Telex/VNI",
    "words": "các từ",
    "shadow": "bỏ dấu",
    "typos": "sửa gõ nhầm",
    "rule": "luật khớp",
    "procedure": "thủ tục",
    "like": "giống câu",
    "lean": "nghiêng về",
    "intent": "ý định",
}
_KINDS = {
    "rule: ": "luật ",
    "situation: ": "tình huống ",
    "alias: alias of ": "tên gọi khác của ",
    "name: name": "tên chính thức",
    "sibling: related to ": "họ hàng với ",
    "ask: ": "luật hỏi lại ",
    "like: like: ": "giống câu ",
    "like: leaning of all sentences": "các câu đã biết nghiêng về",
    "like: a guess": "đoán",
}
_WHY = {
    "two wishes": "hai việc trong một câu",
    "two are alike": "hai thủ tục gần bằng điểm nhau",
    "it only resembles a sentence": "chỉ giống một câu đã biết, không luật nào khớp",
    "only part of the words is in the name": "tên thủ tục chỉ có một phần các từ",
    "sentences like it are unclear": "những câu giống vậy đều chưa rõ",
    "no procedure was recognised": "chưa nhận ra thủ tục nào",
    "only guessed": "chỉ đoán, chưa nhận ra thủ tục nào",
    "nothing was recognised": "chưa nhận ra điều gì",
}
_WHY_PARTS = (
    ("most sentences with these words mean ", "phần lớn câu có các từ này nói về "),
    (" is not in this catalogue", " không có trong danh mục này"),
    (" or ", " hay "),
)


@click.command()
@click.argument("text", required=False)
@click.option("--tenant", metavar="SLUG", help="Read with the words of this province.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--tenants",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tenants"),
    envvar="GOVCHAT_TENANTS_DIR",
    show_default=True,
    help="Folder of the manifests.",
)
def understand(text: str | None, tenant: str | None, as_json: bool, folder: Path) -> None:
    """Show how TEXT is read.

    Without TEXT, JSON lines {"text": "…"} are read from standard input and each is answered by one line of JSON.
    """
    from govchat.kit.clock import VN, now

    book = _book(folder, tenant)
    today = now().astimezone(VN).date()
    if text is None:
        for line in _answers(sys.stdin.buffer, book, today):
            click.echo(line)
        return
    reading = _read(text, book, today)
    if as_json:
        click.echo(_json(reading))
    else:
        _show(reading)


def _book(folder: Path, tenant: str | None) -> "Book":
    from govchat.conversation.rulebook import shared_book, tenant_book

    if tenant is None:
        return shared_book()
    place = folder / tenant
    if not (place / "tenant.toml").is_file():
        raise ConfigurationError(f'tenant "{tenant}": no {place / "tenant.toml"}; see `govchat tenant list`')
    words = place / WORDS_FILE
    try:
        return tenant_book(words.read_text("utf-8"), str(words)) if words.is_file() else shared_book()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"{words}: {wrong}") from wrong


def _read(text: str, book: "Book", today: date) -> "Reading":
    from govchat.conversation.rulebook import code_finder
    from govchat.language.read import read

    return read(text, book, find_codes=code_finder(today))


def _answers(lines: Iterable[bytes], book: "Book", today: date) -> Iterator[str]:
    import msgspec

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if len(line) > _LONGEST_LINE:
                raise ConfigurationError(f"standard input:{number} {len(line)} bytes: expected at most {_LONGEST_LINE}")
            text = _text_of(line)
        except msgspec.DecodeError as wrong:
            raise ConfigurationError(f'standard input:{number} {wrong}: expected {{"text": "…"}}') from wrong
        yield _json(_read(text, book, today))


def _text_of(line: bytes) -> str:
    """The text of a JSON line; half an emoji (a lone surrogate, as phones cut them) is replaced, not refused."""
    import msgspec

    class Line(msgspec.Struct):
        text: str

    try:
        return msgspec.json.decode(line, type=Line).text
    except msgspec.DecodeError:
        if rb"\u" not in line.lower():
            raise
        return msgspec.json.decode(_HALF.sub(lambda _: rb"\ufffd", line), type=Line).text


def _json(reading: "Reading") -> str:
    import msgspec

    slots = reading.slots
    answer = {
        "intent": reading.intent,
        "procedures": [candidate.code for candidate in reading.procedures],
        "ask_back": reading.ask_back,
        "confidence": reading.confidence,
        "codes": list(reading.codes),
        "detail": reading.detail,
        "field": reading.field,
        "understood": reading.understood,
        "also": reading.behind,
        "slots": {
            "phones": len(slots.phones),
            "id_numbers": list(slots.id_numbers),
            "plates": list(slots.plates),
            "documents": list(slots.documents),
            "cases": list(slots.cases),
            "dates": [day.isoformat() for day in slots.dates],
        },
    }
    return msgspec.json.encode(answer).decode()


def _show(reading: "Reading") -> None:
    width = max(map(len, _STEPS.values()))
    for step in reading.trace:
        click.echo(f"{_STEPS.get(step.name, step.name):{width}}  {_worded(step.came_out)}")
    click.echo()
    click.echo(f"{'kết luận':{width}}  {reading.intent}{f' ({reading.detail})' if reading.detail else ''}")
    if reading.field:
        click.echo(f"{'hỏi về':{width}}  {reading.field}")
    for candidate in reading.procedures:
        click.echo(f"{'ứng viên':{width}}  {candidate.code} {candidate.score:4.2f}  {candidate.name}")
    if reading.codes:
        click.echo(f"{'mã hồ sơ':{width}}  {' '.join(reading.codes)}")
    decision = f"hỏi lại: {_why(reading.ask_why)}" if reading.ask_back else "trả lời"
    click.echo(f"{'xử lý':{width}}  {decision} (tin cậy {reading.confidence:.2f})")


def _worded(came_out: str) -> str:
    for kind, said in _KINDS.items():
        came_out = came_out.replace(f"  {kind}", f"  {said}", 1)
    return came_out.replace(", behind it ", ", sau đó ")


def _why(reason: str) -> str:
    if reason in _WHY:
        return _WHY[reason]
    if ".toml:" not in reason:
        for part, said in _WHY_PARTS:
            reason = reason.replace(part, said)
    return reason
