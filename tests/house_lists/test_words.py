"""Every sentence that a citizen can read stands in a wording file, and every wording file can be read aloud by a good clerk.

Two lists, both of the house's own files: what stands in `*/wording/*.toml` of every room, and every Vietnamese text in code, each of which
has to be somebody else's than a citizen's.
"""

import ast
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

import govchat
from govchat.conversation.wording import KEYS, longest_of
from govchat.conversation.wording_keys import SPEAKING
from govchat.kit.phrases import limits
from govchat.notices import facts
from govchat.notices import wording as notices
from govchat.notices.kinds import FIELDS, Kind
from govchat.zalo import messages

HOUSE = Path(govchat.__file__).parent
FILES = sorted(path for path in HOUSE.glob("*/wording/*.toml") if path.name != "limits.toml")

MARKS = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)
# Words that are written in ASCII alone would hide an English sentence: what counts is that marks are there at all.
ENGLISH = re.compile(
    r"\b(the|please|your|you|code|error|not|found|click|here|secret|phone|dossier|status|help|sorry)\b", re.IGNORECASE
)
RUDE = re.compile(r"\b(bạn|mày|tao|ông bà ơi|nhập sai|lỗi hệ thống|bắt buộc phải)\b", re.IGNORECASE)
# Facts that each room fills in, by file; what is not listed here would stand before a citizen in braces, or stop the sentence.
PLACES = {
    "campaigns/wording/vi.toml": "button command title address",
    "citizens/wording/vi.toml": "",
    "dossiers/wording/vi.toml": "time day",
    "handoff/wording/vi.toml": "why next time day note",
    "notices/wording/kinds.toml": " ".join(FIELDS),
    "notices/wording/vi.toml": "",
    "offices/wording/vi.toml": "weekday date",
    "outbox/wording/vi.toml": "",
    # The names of steps that the law gives a complaint are themselves facts of a sentence about it.
    "petitions/wording/vi.toml": "code unit note title until "
    "accept conciliation conciliation_remote file first first_complex first_remote first_remote_complex "
    "first_very_complex go_on go_on_remote second second_remote second_complex",
    "privacy/wording/vi.toml": "code count day due time title",
    "procedures/wording/vi.toml": "least most unit amount",
    "ratings/wording/vi.toml": "code unit",
    "receipts/wording/fixed.toml": "wait",
    "receipts/wording/vi.toml": "code province hotline moment",
    "tenants/wording/vi.toml": "name hotline",
}


def sentences(path: Path) -> Iterator[tuple[str, str]]:
    """The texts of a wording file by key."""
    for name, value in tomllib.loads(path.read_text("utf-8")).items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", text) for key, text in value.items())
        else:
            yield name, value


def space_of(path: Path, key: str) -> int:
    """How many characters a sentence may have."""
    if path.name == "kinds.toml":
        return notices.LONGEST
    room = path.parent.parent.name
    if path.name == "fixed.toml":
        return 300
    return longest_of(key if room == "conversation" else f"{room}.{key}")


def places_of(path: Path, key: str) -> set[str]:
    """The facts that a sentence may name."""
    room = path.parent.parent.name
    if room == "conversation":
        return set(KEYS[key])
    return set(PLACES[f"{room}/wording/{path.name}"].split())


def flaws(text: str, longest: int, places: set[str]) -> list[str]:
    """What is wrong with a sentence."""
    told = text.strip()
    said = re.sub(r"\{\w*\}", "", told)
    found = {name for _, name, form, conversion in string.Formatter().parse(told) if name is not None}
    checks = {
        "is empty": bool(told),
        "is not in NFC": unicodedata.is_normalized("NFC", text),
        "has a loose mark or an invisible sign": not any(
            unicodedata.category(each) in ("Cc", "Cf", "Mn", "Co", "Zl", "Zp") for each in text.replace("\n", "")
        ),
        "has stray white space": text.removeprefix("\n") == told and not re.search(r"  | \n|\t", text),
        f"is longer than {longest} characters": len(told) <= longest,
        f"names facts that nobody fills in: {sorted(found - places)}": found <= places,
        "is English": not ENGLISH.search(said),
        "has no tone marks": not re.search(r"\w{2}", said) or MARKS.search(said) is not None,
        "is no way to speak to a citizen": not RUDE.search(said),
    }
    return [flaw for flaw, good in checks.items() if not good]


def test_every_sentence_of_every_wording_file_can_be_read_aloud_by_a_good_clerk() -> None:
    wrong = [
        f"{path.relative_to(HOUSE)} {key}: {flaw}"
        for path in FILES
        for key, text in sentences(path)
        for flaw in flaws(text, space_of(path, key), places_of(path, key))
    ]
    assert not wrong, "\n".join(wrong)
    assert len(FILES) >= 16


def test_every_room_that_speaks_can_be_reworded_by_a_province() -> None:
    """`fixed.toml` holds what nobody rewords, `kinds.toml` has a file of provinces of its own (`notices.toml`)."""
    rooms = {path.parent.parent.name for path in FILES}
    assert rooms == {*SPEAKING, "conversation"}
    assert {path.name for path in FILES} == {"vi.toml", "fixed.toml", "kinds.toml"}
    for room in SPEAKING:
        own = dict(sentences(HOUSE / room / "wording/vi.toml"))
        assert {f"{room}.{key}" for key in own} <= KEYS.keys()
        assert limits(f"govchat.{room}").keys() <= own.keys(), f"{room}: limits of sentences that are not there"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Hồ sơ đã đến", ""),
        ("\nHồ sơ {code} đã đến.", ""),
        ("OK", "no tone marks"),
        ("Ho so da den", "no tone marks"),
        (unicodedata.normalize("NFD", "Hồ sơ"), "not in NFC"),
        ("Hồ sơ\u200b đến", "invisible"),
        ("Hồ sơ ", "white space"),
        ("Hồ  sơ", "white space"),
        ("Hồ sơ {cdoe}", "cdoe"),
        ("Hồ sơ {}", "nobody fills in"),
        ("Hồ sơ " + "ờ" * 60, "longer than 60"),
        ("Hồ sơ not found", "English"),
        ("Bạn cần nộp lại hồ sơ", "no way to speak"),
        ("", "empty"),
    ],
)
def test_a_flaw_in_a_sentence_would_be_found(text: str, why: str) -> None:
    found = flaws(text, 60, {"code"})
    assert (why in "; ".join(found)) if why else found == []


@pytest.mark.parametrize("kind", Kind)
def test_a_notice_with_the_longest_facts_fits_one_message(kind: Kind) -> None:
    longest = {name: "Đ" * facts.longest_of(name) for name in FIELDS}
    assert messages.text("1", notices.fill(notices.shipped()[kind], longest))


# Vietnamese in code that no citizen reads, by folder or file, and who does.
OTHERS = {
    "audit/verify.py": "operators",
    "callbacks/claim.py": "operators: an incident",
    "campaigns/": "officers who broadcast: warnings, troubles, refusals, heads of their files' columns",
    "cli/": "operators and officers",
    "connect/": "administrators of an Official Account",
    "conversation/overrides.py": "officers who reword",
    "conversation/replay_tenants.py": "made-up provinces of recorded dialogues",
    "conversation/wording_file.py": "officers who reword",
    "conversation/wording_flaws.py": "officers who reword",
    "conversation/wording_preview.py": "made-up facts for officers who reword",
    "dossiers/national/look.py": "one-stop systems",
    "dossiers/national/read.py": "one-stop systems",
    "dossiers/national/routes.py": "examples of the HTTP API, one-stop systems",
    "dossiers/routes.py": "examples of the HTTP API",
    "dossiers/schemas.py": "description of the HTTP API",
    "dossiers/sheet.py": "officers and their files",
    "kit/fields.py": "officers: what is wrong with a value they wrote",
    "kit/oserror.py": "operators",
    "kit/text.py": "letters that are folded",
    "language/": "rules of the language, and how a sentence was read, for operators",
    "local/": "samples and operators",
    "notices/fit.py": "officers who map templates",
    "notices/kinds.py": "names and samples of facts for officers who reword",
    "notices/templates.py": "officers who map templates",
    "notices/templates_part.py": "officers who map templates",
    "notices/wording.py": "officers who reword",
    "notices/words_part.py": "officers who reword",
    "onboarding/": "officers: the checklist",
    "petitions/routes.py": "examples of the HTTP API",
    "petitions/within.py": "rules of the language",
    "privacy/routes.py": "examples of the HTTP API",
    "procedures/cells.py": "officers' files",
    "procedures/figures.py": "officers' files: where a figure is from, and how it is read",
    "procedures/flags.py": "officers who look after the catalogue",
    "procedures/headers.py": "heads of columns that officers' files have",
    "procedures/layer_file.py": "officers who look after the catalogue",
    "procedures/layer_part.py": "officers who look after the catalogue",
    "procedures/legacy_text.py": "letters of old encodings",
    "procedures/load_file.py": "officers who look after the catalogue",
    "procedures/override.py": "officers who look after the catalogue",
    "procedures/routes.py": "examples of the HTTP API",
    "procedures/rows.py": "officers who look after the catalogue",
    "procedures/schemas.py": "where a figure is from, for officers",
    "procedures/sheet.py": "officers who look after the catalogue",
    "procedures/workbook.py": "officers who look after the catalogue",
    "receipts/routes.py": "description of the HTTP API",
    "rehearsal/": "officers, and what they play as citizens",
    "simulator/": "developers",
    "tenants/": "officers: manifests, states, secrets",
    "zalo/judge.py": "words in refusals of Zalo's",
    "zalo/split.py": "rules of the language: where a sentence ends",
}
# In those folders, what speaks to citizens all the same.
SPEAKERS = {"campaigns/message.py", "tenants/trial.py"}
# What a button of ours sends back as if it were typed, and what paper tells to type: the conversation reads it, so nobody rewords it.
COMMANDS = {"tra cứu ", "hủy nhận thông báo ", "đánh giá ", "mở lại ", "xác nhận ", "dừng"}
ALONE = {
    "campaigns/message.py": COMMANDS  # and refusals to officers
    | {
        '}" không phải một trường: có ',
        "message: image_url và picture_id không đi cùng nhau, chỉ ghi một",
        '": cần đúng một trong url, phone, query',
        '" chưa có: tải ảnh lên bằng POST /v1/campaigns/pictures',
    },
    "notices/weigh.py": COMMANDS,
    "petitions/tell.py": COMMANDS,
    "ratings/scale.py": COMMANDS,
    "receipts/sheet.py": COMMANDS,
    "notices/channel.py": {" đồng left, "},  # the record of a decision
    "conversation/replay.py": {"Tỉnh Cao Bằng"},  # a made-up province of recorded dialogues
    # Names of provinces begin so.
    "conversation/flows/front.py": {"Tỉnh ", "Thành phố "},
    "conversation/flows/procedure_text.py": {"Tỉnh ", "Thành phố "},
}


def vietnamese_in(source: str) -> set[str]:
    """Vietnamese texts in code, those of f-strings too; docstrings left out."""
    tree = ast.parse(source)
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in notes
        and MARKS.search(node.value)
    }


def test_no_sentence_for_citizens_stands_in_code() -> None:
    used: set[str] = set()
    for path in sorted(HOUSE.rglob("*.py")):
        where = path.relative_to(HOUSE).as_posix()
        found = vietnamese_in(path.read_text("utf-8"))
        others = next(
            (name for name in OTHERS if where == name or (name.endswith("/") and where.startswith(name))), None
        )
        if others is not None and where not in SPEAKERS:
            used |= {others} if found else set()
            continue
        for text in sorted(found - ALONE.get(where, set())):
            pytest.fail(
                f'{where}: "{text}" belongs into wording/vi.toml of the room, or nobody but officers reads it: say who in OTHERS'
            )
        used |= {where} if found else set()
    assert used == OTHERS.keys() | ALONE.keys(), "listed here, and no Vietnamese in it any more"


def test_no_sentence_for_citizens_stands_in_a_page() -> None:
    for path in sorted((HOUSE / "receipts/pages").iterdir()):
        assert not MARKS.search(path.read_text("utf-8")), f"{path.name}: belongs into wording/vi.toml"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""Hồ sơ (dossier)."""\nSTATUS = {4: "Đang xử lý"}', {"Đang xử lý"}),
        ('def say(code):\n    "Hồ sơ."\n    return f"Hồ sơ {code} đã đến"', {"Hồ sơ ", " đã đến"}),
        ("# Hồ sơ\nx = 'ho so'", set()),
    ],
)
def test_a_sentence_in_code_would_be_found(source: str, found: set[str]) -> None:
    assert vietnamese_in(source) == found
