"""Every line of the rule files reads its own sentences as meant, and wrong files are refused by name."""

from importlib.resources import files
from pathlib import Path

import pytest
from tests.language.given import codes, read, the_book

from govchat.errors import ConfigurationError
from govchat.kit.text import fold
from govchat.language.book import rules_from, shipped_rules
from govchat.language.lexicon import Lexicon
from govchat.language.nearest import CLARIFY
from govchat.language.normalise import read_spelling, words_of
from govchat.language.protect import protect
from govchat.language.rules import Rule, read_examples, read_rules, read_words
from govchat.language.syllables import spelled

RULES = shipped_rules()
LINES = [pytest.param(rule, id=rule.source.replace("rules/", "", 1)) for rule in RULES.rules]


def _read_as_meant(rule: Rule, sentence: str) -> bool:
    reading = read(sentence)
    match rule.kind:
        case "intent":
            return (reading.intent, reading.detail) == (rule.means, rule.detail)
        case "procedure":
            return codes(reading)[:1] == [rule.means]
        case "ask":
            return reading.ask_back and not set(rule.codes).isdisjoint(codes(reading))
    return reading.field == rule.means


@pytest.mark.parametrize("rule", LINES)
def test_every_line_of_the_rules_reads_its_sentences(rule: Rule) -> None:
    for sentence in rule.says:
        assert _read_as_meant(rule, sentence), f"{sentence!r} was read as {read(sentence)}"


TOLD = [
    told
    for file in sorted((Path(str(files("govchat.language"))) / "rules").glob("examples*.toml"))
    for told in read_examples(file.read_text("utf-8"), file.name)
]
MEANT = sorted({(intent, procedure) for _, intent, procedure in TOLD})


@pytest.mark.parametrize(("intent", "procedure"), MEANT)
def test_every_example_is_read_as_it_says(intent: str, procedure: str) -> None:
    for says in (says for says, *means in TOLD if means == [intent, procedure]):
        reading = read(says)
        assert reading.intent == intent, f"{says!r} was read as {reading}"
        if procedure == CLARIFY:
            assert reading.ask_back, f"{says!r} was not asked about: {reading}"
        elif procedure and intent != "lookup_dossier":
            assert codes(reading)[:1] == [procedure], f"{says!r} was read as {reading}"


def test_most_lines_read_their_sentences_without_marks() -> None:
    sentences = [(rule, sentence) for rule in RULES.rules for sentence in rule.says]
    read_well = sum(_read_as_meant(rule, fold(sentence)) for rule, sentence in sentences)
    assert read_well / len(sentences) > 0.93


def test_every_procedure_of_the_starter_catalogue_that_has_rules_exists() -> None:
    named = {code for rule in RULES.rules for code in (*rule.codes, *rule.also)}
    assert named <= set(the_book().names.by_code)


@pytest.mark.parametrize("form", sorted(RULES.spelling.short))
def test_every_short_form_is_written_out(form: str) -> None:
    meant = RULES.spelling.short[form]
    word = protect(form).text
    if form in RULES.spelling.context:
        return
    read_as = [one.toned for one in words_of(word, RULES.spelling, the_book().vocabulary, the_book().known)]
    assert read_as == [spelled(word) for word in meant] or "/" in form or " " in form


@pytest.mark.parametrize(
    "context",
    [pytest.param(one, id=f"{one.short}-{one.means}") for found in RULES.spelling.context.values() for one in found],
)
def test_every_short_form_with_neighbours_is_written_out_beside_them(context: object) -> None:
    for sentence in context.says:  # type: ignore[attr-defined]
        words = [
            one.toned
            for one in words_of(protect(sentence).text, RULES.spelling, the_book().vocabulary, the_book().known)
        ]
        meant = [spelled(word) for word in context.means.split()]  # type: ignore[attr-defined]
        assert any(words[at : at + len(meant)] == meant for at in range(len(words))), f"{sentence!r} gave {words}"


FILES = {
    "spelling.toml": 'courtesies = ["ạ"]\n[short]\nhs = "hồ sơ"\n',
    "words.toml": '"mất" = ["mất", "thất lạc"]\n"giấy" = ["giấy", "{mất}"]\n',
    "examples.toml": '[[example]]\nintent = "greeting"\nsays = ["alo", "chào"]\n'
    '[[example]]\nintent = "thanks_bye"\nsays = ["cảm ơn"]\n',
    "r.toml": '[[rule]]\nintent = "greeting"\nlines."{mất} + giấy" = "mất giấy"\n',
}


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("examples.toml", "greeting", "sale", 'intent "sale"'),
        ("examples.toml", '"chào"]', '"chào"]\nweight = 1', "examples.toml"),
        ("examples.toml", '"alo", "chào"', '"chào", "cảm ơn"', 'examples.toml:3 "cảm ơn"'),
        ("r.toml", "{mất}", "{lạ}", 'r.toml:3 "{lạ} + giấy": there is no group "lạ"'),
        ("r.toml", "greeting", "sale", 'intent "sale"'),
        ("r.toml", 'intent = "greeting"', 'field = "colour"', 'field "colour"'),
        ("r.toml", 'intent = "greeting"', 'intent = "greeting"\nprocedure = "1.1"', "exactly one of"),
        ("r.toml", '"mất giấy"', "[]", "at least one sentence"),
        ("r.toml", "lines.", "line.", "r.toml"),
        ("r.toml", "[[rule]]", "[[rule", "r.toml"),
        ("words.toml", '"{mất}"', '"{lạ}"', '"lạ", which does not exist'),
        ("words.toml", '"thất lạc"', '"{giấy}"', "takes in itself"),
        ("words.toml", '["mất", "thất lạc"]', "3", 'group "mất"'),
        ("spelling.toml", "courtesies", "courtesy", "spelling.toml"),
        ("spelling.toml", "hồ", "ho\u0302\u0300", "NFC"),
    ],
)
def test_a_wrong_file_is_refused_by_name(file: str, old: str, new: str, says: str) -> None:
    assert old in FILES[file]
    with pytest.raises(ConfigurationError) as refusal:
        rules_from({**FILES, file: FILES[file].replace(old, new)})
    assert file in str(refusal.value)
    assert says in str(refusal.value)


def test_a_phrase_with_an_equals_sign_is_found_only_as_written() -> None:
    lexicon = Lexicon()
    groups = read_words('"lời" = ["dừng="]', "words.toml", lexicon)
    assert not read_rules("rule = []", "r.toml", lexicon, groups)
    spelling = read_spelling(FILES["spelling.toml"], "spelling.toml")
    from govchat.language.lexicon import find

    for text, there in (("dừng", True), ("dung", False), ("đừng", False)):
        words = words_of(text, spelling, frozenset(), frozenset())
        assert bool(find(words, (lexicon.root,))) is there, text
