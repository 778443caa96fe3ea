"""The book a message is read with: the shared rules and names, and a tenant's own words laid over them.

Rules and index are read once and shared by all tenants; a tenant's book adds only its aliases.
"""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import msgspec

from govchat.errors import ConfigurationError
from govchat.language.leaning import Leanings
from govchat.language.lexicon import Lexicon, Node
from govchat.language.lexicon import senses as senses_of
from govchat.language.match import key_groups
from govchat.language.names import OWN_ALIAS, Entry, NameIndex
from govchat.language.nearest import CLARIFY, Example, Examples
from govchat.language.normalise import Spelling, read_spelling, words_of
from govchat.language.protect import protect
from govchat.language.rules import Rule, read_examples, read_rules, read_words
from govchat.language.syllables import shadow, spelled

FILLERS = "lời thừa"  # the group of words.toml whose words ask for nothing
CORRECTIONS = "sửa lời"  # what comes behind these words replaces what stands before
CORRECTIONS_FIRST = "sửa lời đầu câu"  # the same when the message begins with them and breaks off
PURPOSE = "mục đích"  # what stands behind these words is what something else is wanted for
COMMON = "lời thường"  # words that are meant whenever their letters are typed without marks
ELSEWHERE = "!việc khác"  # affairs that no procedure of ours is for
JOINTS = "nối"  # words that join two wishes
EXAMPLES = "examples"  # begins the names of files with sentences alone
_LONGEST_WORDS_FILE = 200_000  # characters


class Rules(msgspec.Struct, frozen=True):
    """The rule files, ready to match: by the group that must be present."""

    spelling: Spelling
    lexicon: Lexicon
    groups: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...]
    by_group: Mapping[str, tuple[int, ...]]
    fillers: frozenset[str]
    senses: Lexicon
    examples: Examples
    leanings: Leanings


class Book(msgspec.Struct, frozen=True):
    """`aliases` is the tenant's own trie; `vocabulary` and `known` the words of rules, names and aliases;
    `courtesies` are shadows."""

    rules: Rules
    names: NameIndex
    aliases: Lexicon
    vocabulary: frozenset[str]
    known: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    courtesies: frozenset[str]

    @property
    def roots(self) -> tuple[Node, ...]:
        return (self.rules.lexicon.root, self.names.lexicon.root, self.aliases.root)


@cache
def shipped_rules() -> Rules:
    """The rules that come with the product; read once per process."""
    folder = files("govchat.language") / "rules"
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return rules_from(texts)


def rules_from(texts: Mapping[str, str]) -> Rules:
    """Rules from file name → text: `spelling.toml`, `words.toml`, `examples*.toml`, every other file rules.

    Raises `ConfigurationError`.
    """
    lexicon = Lexicon(_common(texts["words.toml"]))
    spelling = read_spelling(texts["spelling.toml"], "rules/spelling.toml")
    senses = Lexicon()
    groups = read_words(texts["words.toml"], "rules/words.toml", lexicon, senses)
    rules: list[Rule] = []
    told: list[tuple[str, str, str]] = []
    for name in sorted(texts.keys() - {"spelling.toml", "words.toml"}):
        if name.startswith(EXAMPLES):
            told += read_examples(texts[name], f"rules/{name}")
        else:
            rules += read_rules(texts[name], f"rules/{name}", lexicon, groups)
    by_group: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        for group in key_groups(rule):
            by_group.setdefault(group, []).append(number)
    examples = _examples(rules, told, spelling, lexicon, senses)
    return Rules(
        spelling=spelling,
        lexicon=lexicon,
        groups=groups,
        rules=tuple(rules),
        by_group={group: tuple(numbers) for group, numbers in by_group.items()},
        fillers=frozenset(shadow(word) for phrase in groups.get(FILLERS, ()) for word in phrase.split()),
        senses=senses,
        examples=examples,
        leanings=Leanings(examples),
    )


def _common(words: str) -> dict[str, frozenset[str]]:
    """The words of the group `COMMON` by shadow; a file that can't be read is refused where it is read in full."""
    try:
        phrases = tomllib.loads(words).get(COMMON, [])
    except tomllib.TOMLDecodeError:
        return {}
    common: dict[str, set[str]] = {}
    for phrase in phrases if isinstance(phrases, list) else []:
        if isinstance(phrase, str):
            common.setdefault(shadow(phrase), set()).add(spelled(phrase))
    return {letters: frozenset(meant) for letters, meant in common.items()}


def _examples(
    rules: Iterable[Rule],
    told: Iterable[tuple[str, str, str]],
    spelling: Spelling,
    lexicon: Lexicon,
    senses: Lexicon,
) -> Examples:
    """Every sentence of the rules, and those told besides."""
    vocabulary, known = frozenset(lexicon.vocabulary), frozenset(lexicon.known)
    meant = [(says, *_means(rule)) for rule in rules if rule.kind != "field" for says in rule.says]
    sentences = ((protect(says).text, intent, procedure) for says, intent, procedure in dict.fromkeys((*meant, *told)))
    read = ((*each, words_of(each[0], spelling, vocabulary, known)) for each in sentences)
    return Examples(
        Example(text, intent, procedure, words, senses_of(words, senses.root))
        for text, intent, procedure, words in read
    )


def _means(rule: Rule) -> tuple[str, str]:
    if rule.kind == "intent":
        return rule.means, ""
    return "procedure_info", rule.means if rule.kind == "procedure" else CLARIFY


def book(entries: Iterable[Entry] | NameIndex, words: Mapping[str, tuple[str, ...]] | None = None) -> Book:
    """A book over a catalogue (an index already built is shared), with a tenant's words: code → aliases."""
    rules = shipped_rules()
    names = entries if isinstance(entries, NameIndex) else NameIndex(entries, rules.spelling.short)
    return _with(rules, names, words or {})


def for_tenant(shared: Book, words: Mapping[str, tuple[str, ...]]) -> Book:
    """The shared book with a tenant's words over it."""
    return _with(shared.rules, shared.names, words, shared) if words else shared


def _with(rules: Rules, names: NameIndex, words: Mapping[str, tuple[str, ...]], shared: Book | None = None) -> Book:
    aliases = Lexicon()
    for code, phrases in words.items():
        for phrase in phrases:
            aliases.add(OWN_ALIAS + code, phrase)
    if shared is not None:
        new = aliases.vocabulary - shared.vocabulary
        return Book(
            rules=rules,
            names=names,
            aliases=aliases,
            vocabulary=shared.vocabulary | new if new else shared.vocabulary,
            known=shared.known,
            pairs=shared.pairs,
            courtesies=shared.courtesies,
        )
    lexicons = (rules.lexicon, names.lexicon, aliases)
    return Book(
        rules=rules,
        names=names,
        aliases=aliases,
        vocabulary=frozenset().union(*(lexicon.vocabulary for lexicon in lexicons)),
        known=frozenset().union(*(lexicon.known for lexicon in lexicons)),
        pairs=frozenset().union(*(lexicon.pairs for lexicon in lexicons)),
        courtesies=frozenset(shadow(word) for word in rules.spelling.courtesies),
    )


def read_tenant_words(text: str, source: str, codes: Iterable[str] | None = None) -> dict[str, tuple[str, ...]]:
    """A tenant's `words.toml`: `[aliases]` with "everyday words" = "code of the procedure" or a list of codes' first.

    Answers code → aliases. Raises `ConfigurationError` with file:line for a line that is wrong; `codes` are those that exist.
    """
    if len(text) > _LONGEST_WORDS_FILE:
        raise ConfigurationError(f"{source}:1 {len(text)} characters: expected at most {_LONGEST_WORDS_FILE}")
    if not unicodedata.is_normalized("NFC", text):
        line = next(
            number for number, one in enumerate(text.split("\n"), 1) if not unicodedata.is_normalized("NFC", one)
        )
        raise ConfigurationError(f"{source}:{line} the text is not in Unicode NFC, save it normalised")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        place = str(wrong).partition("(at line ")[2].partition(",")[0]
        raise ConfigurationError(f"{source}:{place or text.count(chr(10)) + 1} {wrong}") from wrong
    for name in tables:
        if name != "aliases":
            raise ConfigurationError(f'{source}:{_line(text, name)} "{name}": expected only the table [aliases]')
    existing = frozenset(codes) if codes is not None else None
    found: dict[str, list[str]] = {}
    aliases = tables.get("aliases", {})
    if not isinstance(aliases, dict):
        raise ConfigurationError(f'{source}:{_line(text, "aliases")} aliases: expected a table of "words" = "code"')
    for phrase, code in aliases.items():
        place = f"{source}:{_line(text, phrase)}"
        if not isinstance(code, str):
            raise ConfigurationError(
                f'{place} alias "{phrase}": expected the code of one procedure, such as "1.001193"'
            )
        if existing is not None and code not in existing:
            raise ConfigurationError(f'{place} alias "{phrase}": no procedure {code} in the catalogue')
        if not 1 <= len(phrase.split()) <= 12 or not any(letter.isalpha() for letter in phrase):
            raise ConfigurationError(f'{place} alias "{phrase}": expected one to twelve words')
        found.setdefault(code, []).append(phrase)
    return {code: tuple(phrases) for code, phrases in found.items()}


def _line(text: str, word: str) -> int:
    at = text.find(word)
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
