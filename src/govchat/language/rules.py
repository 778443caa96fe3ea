"""The rules: patterns over groups of words, each line with sentences it must read, for intents, procedures and questions back.

A pattern joins items by " + " (all must stand somewhere, in any order) and " - " (must not stand). An item is words and `{groups}` in
order; "…" between them stands for up to six words, "|" separates alternatives. From TOML to what `match` evaluates.
"""

import re
import tomllib
import unicodedata
from typing import Literal

import msgspec

from govchat.errors import ConfigurationError
from govchat.language.lexicon import Lexicon
from govchat.language.syllables import spelled

INTENTS = frozenset(
    [
        "lookup_dossier",
        "scan_qr_help",
        "procedure_info",
        "procedure_list",
        "complaint_status",
        "file_complaint",
        "denunciation",
        "petition",
        "dispute",
        "file_online",
        "supplement",
        "payment",
        "result_delivery",
        "withdraw",
        "rating",
        "subscribe",
        "link_identity",
        "contact_office",
        "human_handoff",
        "privacy_request",
        "staff_inbox",
        "staff_ack",
        "staff_stats",
        "greeting",
        "thanks_bye",
        "out_of_scope",
        "abuse",
    ]
)
FIELDS = frozenset({"fee", "time", "documents", "where", "how", "online", "form", "legal_basis", "conditions"})
Kind = Literal["intent", "procedure", "ask", "field"]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    says: tuple[str, ...]
    weight: float | None = None


_Lines = dict[str, str | list[str] | _Line]


class _Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of `intent`, `procedure`, `ask` (with codes, best guess first) or `field` says what the lines mean."""

    lines: _Lines
    intent: str = ""
    detail: str = ""
    procedure: str = ""
    ask: tuple[str, ...] = ()
    field: str = ""
    weight: float | None = None
    situation: bool = False
    alone: bool = False
    also: tuple[str, ...] = ()


class _RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[_Block, ...]


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sentences that mean the same: an `intent`, a `procedure`, both, or "clarify" for a procedure."""

    says: tuple[str, ...]
    intent: str = "procedure_info"
    procedure: str = ""


class _ExampleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    example: tuple[_Told, ...]


class Part(msgspec.Struct, frozen=True, gc=False):
    """A group within an item; `gap` is how many words may stand before it."""

    group: str
    gap: int


class Item(msgspec.Struct, frozen=True, gc=False):
    alternatives: tuple[tuple[Part, ...], ...]


class Rule(msgspec.Struct, frozen=True, gc=False):
    """One line. `alone`: the message may say hardly anything else. `situation`: gives way to a procedure that is named."""

    kind: Kind
    means: str
    detail: str
    codes: tuple[str, ...]
    pattern: str
    needs: tuple[Item, ...]
    bars: tuple[Item, ...]
    weight: float
    situation: bool
    alone: bool
    also: tuple[str, ...]
    says: tuple[str, ...]
    source: str

    @property
    def told(self) -> str:
        """Where the line stands and what it says, as an explanation names it: `procedures_land.toml:12 "{giấy đất} + {mất}"`."""
        return self.source.removeprefix("rules/")


_NEXT_GAP, _ELLIPSIS_GAP = 1, 6
_PIECE = re.compile(r"\{([^{}]+)\}|(…)|([^{}…]+)")


def read_words(text: str, source: str, *lexicons: Lexicon) -> dict[str, tuple[str, ...]]:
    """Fill the lexicons from `words.toml`: name = [phrases]; `{other}` takes in another group. Answers the groups."""
    tables = _toml(text, source)
    groups: dict[str, tuple[str, ...]] = {}
    for name, phrases in tables.items():
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) and phrase for phrase in phrases):
            raise ConfigurationError(f'{source}: group "{name}": expected a list of phrases')
        groups[name] = tuple(phrases)
    for name in groups:
        for phrase in _expanded(name, groups, source, ()):
            for lexicon in lexicons:
                lexicon.add(name, phrase)
    return groups


def _expanded(name: str, groups: dict[str, tuple[str, ...]], source: str, above: tuple[str, ...]) -> list[str]:
    if name not in groups:
        raise ConfigurationError(f'{source}: group "{above[-1]}" takes in "{name}", which does not exist')
    if name in above:
        raise ConfigurationError(f'{source}: group "{name}" takes in itself')
    phrases: list[str] = []
    for phrase in groups[name]:
        if phrase.startswith("{") and phrase.endswith("}"):
            phrases += _expanded(phrase[1:-1], groups, source, (*above, name))
        else:
            phrases.append(phrase)
    return phrases


def read_rules(text: str, source: str, lexicon: Lexicon, groups: dict[str, tuple[str, ...]]) -> list[Rule]:
    """The rules of one file; raises `ConfigurationError` naming file, line and value."""
    tables = _toml(text, source)
    try:
        file = msgspec.convert(tables, _RuleFile)
    except msgspec.ValidationError as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong
    rules = []
    for block in file.rule:
        kind, means = _meaning(block, source)
        for pattern, value in block.lines.items():
            place = f'{source}:{_line_of(text, pattern)} "{pattern}"'
            line = value if isinstance(value, _Line) else _Line((value,) if isinstance(value, str) else tuple(value))
            if not line.says or not all(line.says):
                raise ConfigurationError(f"{place}: expected at least one sentence that it reads")
            needs, bars = _pattern(pattern, place, lexicon, groups)
            weight = line.weight if line.weight is not None else block.weight
            rules.append(
                Rule(
                    kind=kind,
                    means=means,
                    detail=block.detail,
                    codes=block.ask or ((block.procedure,) if block.procedure else ()),
                    pattern=pattern,
                    needs=needs,
                    bars=bars,
                    weight=weight if weight is not None else 1 + 0.5 * (len(needs) - 1),
                    situation=block.situation,
                    alone=block.alone,
                    also=block.also,
                    says=line.says,
                    source=place,
                )
            )
    return rules


def _meaning(block: _Block, source: str) -> tuple[Kind, str]:
    named: list[tuple[Kind, str]] = []
    if block.intent:
        named.append(("intent", block.intent))
    if block.procedure:
        named.append(("procedure", block.procedure))
    if block.ask:
        named.append(("ask", block.ask[0]))
    if block.field:
        named.append(("field", block.field))
    if len(named) != 1:
        raise ConfigurationError(
            f"{source}: a rule needs exactly one of intent, procedure, ask, field: {sorted(block.lines)[:1]}"
        )
    kind, means = named[0]
    if kind == "intent" and means not in INTENTS:
        raise ConfigurationError(f'{source}: intent "{means}": expected one of {", ".join(sorted(INTENTS))}')
    if kind == "field" and means not in FIELDS:
        raise ConfigurationError(f'{source}: field "{means}": expected one of {", ".join(sorted(FIELDS))}')
    return kind, means


def read_examples(text: str, source: str) -> list[tuple[str, str, str]]:
    """(sentence, intent, procedure) of a file of examples; raises `ConfigurationError` naming file, line and value."""
    try:
        file = msgspec.convert(_toml(text, source), _ExampleFile)
    except msgspec.ValidationError as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong
    meant: dict[str, tuple[str, str]] = {}
    for told in file.example:
        if told.intent not in INTENTS:
            raise ConfigurationError(f'{source}: intent "{told.intent}": expected one of {", ".join(sorted(INTENTS))}')
        for says in told.says:
            means = (told.intent, told.procedure)
            if meant.setdefault(says, means) != means:
                raise ConfigurationError(
                    f'{source}:{_line_of(text, says)} "{says}" stands under {" ".join(meant[says])} as well'
                )
    return [(says, *means) for says, means in meant.items()]


def _pattern(
    pattern: str, place: str, lexicon: Lexicon, groups: dict[str, tuple[str, ...]]
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    needs: list[Item] = []
    bars: list[Item] = []
    target = needs
    for piece in re.split(r"\s([+-])\s", f" + {pattern}")[1:]:
        if piece in "+-":
            target = needs if piece == "+" else bars
        else:
            target.append(_item(piece, place, lexicon, groups))
    return tuple(needs), tuple(bars)


def _item(text: str, place: str, lexicon: Lexicon, groups: dict[str, tuple[str, ...]]) -> Item:
    alternatives = []
    for alternative in text.split("|"):
        parts: list[Part] = []
        gap = _NEXT_GAP
        for found in _PIECE.finditer(alternative):
            group, ellipsis, literal = found[1], found[2], (found[3] or "").strip()
            if ellipsis:
                gap = _ELLIPSIS_GAP
                continue
            if group and group not in groups:
                raise ConfigurationError(f'{place}: there is no group "{group}" in words.toml')
            name = group or literal
            if not name:
                continue
            if not group:
                name = "'" + " ".join(spelled(word) for word in literal.split())
                lexicon.add(name, literal)
            parts.append(Part(name, gap))
            gap = _NEXT_GAP
        if not parts:
            raise ConfigurationError(f"{place}: an item is empty")
        alternatives.append(tuple(parts))
    return Item(tuple(alternatives))


def _toml(text: str, source: str) -> dict[str, object]:
    if not unicodedata.is_normalized("NFC", text):
        raise ConfigurationError(f"{source}: the text is not in Unicode NFC, save it normalised")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong


def _line_of(text: str, pattern: str) -> int:
    at = text.find(f'"{pattern}"')
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
