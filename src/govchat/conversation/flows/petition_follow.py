"""What citizens write around a petition: its kind in words, more of the matter, how it stands, that they want it back or changed.

From a text, where the conversation stands and how the text was read to what the flow `petition` hears. Pure; called by `step`.
"""

import re

from govchat.conversation import asks, payloads
from govchat.conversation.context import Context
from govchat.conversation.intents import Intent
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.state import TOPIC_S, State
from govchat.conversation.turn import Heard
from govchat.dossiers.codes import find_codes
from govchat.kit.text import clean, fold
from govchat.petitions import within
from govchat.petitions.judge import LEAST_LETTERS, LONGEST

KINDS = ("scene", "reflection", "proposal")
_TOLD_AT_ONCE, _TOLD_ANEW = 8, 11  # words: whoever writes that many has told it, or another matter
_MOST_OF_A_WISH, _MOST_OF_A_QUESTION, _FEWEST_OF_A_NOTE, _MOST_OF_A_KIND = 12, 10, 3, 6
_IN_WORDS = (
    ("proposal", re.compile(r"\b(?:kien nghi|de xuat|de nghi)\b")),
    ("scene", re.compile(r"\b(?:su viec|hien truong|nhin thay)\b")),
    ("reflection", re.compile(r"\b(?:thu tuc|thai do|phuc vu)\b")),
)
_BEHIND = frozenset({"a", "ad", "em", "oi", "nhe", "nha", "di", "giup", "gium", "voi"})
_OWN = re.compile(r"\b(?:phan anh|kien nghi|pakn)\b")
_BACK = re.compile(r"\b(?:rut|huy|xoa|thu hoi)\b.{0,14}\b(?:phan anh|kien nghi|pakn)\b")
_NO_MORE = re.compile(
    r"\b(?:khong|ko|k|thoi) (?:muon )?(?:gui|phan anh|kien nghi) nua\b|^(?:xin |cho |toi muon )?rut lai\b"
)
_NOT_SENT = re.compile(r"^(?:khong|ko|k|thoi|khoi|dung|chua)\b.{0,12}\bgui\b")
_CHANGE = re.compile(
    r"\b(?:sua|bo sung|them|chinh|viet lai|ghi sai|gui sai|ghi nham|gui nham)\b.{0,24}\b(?:phan anh|kien nghi|pakn|noi dung)\b"
)
_MORE_OF_IT = re.compile(r"\b(?:gui|bo sung|them|chup)\b.{0,8}\b(?:anh|hinh|video|thong tin|vi tri|noi dung)\b")
_STANDING = re.compile(
    r"\b(?:bao gio|khi nao|chung nao|bao lau|may ngay|toi dau|den dau|sao roi|the nao roi|ra sao roi|tinh trang|xu ly (?:chua|den|toi)|"
    r"(?:giai quyet|tra loi|khac phuc|sua|xu ly)(?: xong)? chua|ai (?:xu ly|giai quyet|tra loi|nhan)|gui (?:cho ai|di dau|den dau)|"
    r"co ket qua|ket qua chua)\b"
)
_OWN_STANDING = re.compile(
    r"\bma (?:so )?(?:phan anh|kien nghi)\b|\b(?:phan anh|kien nghi)\b.*\b(?:toi dau|den dau|sao roi|the nao roi|xu ly chua|ket qua chua|"
    r"tra loi chua|giai quyet chua|chua (?:thay|ai|duoc)|ai (?:xu ly|giai quyet))\b"
)
_DOSSIER = re.compile(r"\b(?:ho so|hs)\b")
_ASKS = re.compile(
    r"\?|\b(?:khong|ko|hong|chua|gi|sao|the nao|bao nhieu|o dau|nao|may|ai|vay|bao lau|cho hoi|hoi ve|huong dan|cho biet|nhu the nao)\W*$|"
    r"\b(?:cho hoi|cho em hoi|cho toi hoi|bao nhieu|lam sao|the nao|nhu nao)\b"
)
# What a statement may have been read as that goes on about a petition.
_UNSURE = frozenset(
    {Intent.UNKNOWN, Intent.OUT_OF_SCOPE, Intent.PETITION, Intent.ABUSE, Intent.RATING, Intent.GREETING}
)
# And what a longer one may have been read as by a word in it.
_BY_CHANCE = frozenset({Intent.BROWSE, Intent.HELP})
_FEWEST_OF_A_STORY = 7  # words
_QUESTIONS = frozenset(
    {
        Intent.UNKNOWN, Intent.PROGRESS, Intent.LOOKUP, Intent.COMPLAINT_STATUS, Intent.OUT_OF_SCOPE, Intent.PETITION, Intent.RESULT,
        Intent.GREETING, Intent.MY_PETITIONS, Intent.MY_DOSSIERS,
    }
)  # fmt: skip


def awaits_kind(state: State, context: Context) -> bool:
    """Whether a matter was told of which the kind was asked last."""
    since = state.petition_at
    last = max(state.topic_at, state.office_at, state.looked_at) <= since
    return bool(state.held_words) and state.step == "idle" and last and abs(context.seconds - since) <= TOPIC_S


def picked_kind(text: str, state: State) -> str:
    """The kind that a short answer names, by its number, in words, or by agreeing; empty for what names none."""
    said = bare(text)
    ordered = sorted(KINDS, key=lambda kind: kind != state.petition)
    if said.isascii() and said.isdigit() and 1 <= int(said[:3]) <= len(KINDS):
        return ordered[int(said[:3]) - 1]
    folded = fold(clean(text, 200))
    if folded.strip(" .!") in rulebook().agrees or (said and said in rulebook().agrees):
        return ordered[0]
    if len(folded.split()) > _MOST_OF_A_KIND:
        return ""
    return next((kind for kind, named in _IN_WORDS if named.search(folded)), "")


def own_act(text: str, state: State, context: Context) -> str:
    """`withdraw` or `amend` for a wish about a petition that was filed; empty for anything else."""
    said = fold(clean(text, 300))
    if len(said.split()) > _MOST_OF_A_WISH:
        return ""
    if awaits_kind(state, context) and (bare(text) in rulebook().skips or _NOT_SENT.search(said)):
        return "withdraw"
    at_hand = _is_at_hand(state, context) or awaits_kind(state, context)
    if _BACK.search(said) or (at_hand and _NO_MORE.search(said)):
        return "withdraw"
    if _CHANGE.search(said) and (at_hand or _OWN.search(said)):
        return "amend"
    return "amend" if at_hand and _MORE_OF_IT.search(said) else ""


def takes_back(text: str) -> bool:
    """Whether a message takes the last photo back: "bỏ ảnh ạ"."""
    said = fold(clean(text, 100)).strip(" .!,").split()
    while said and said[-1] in _BEHIND:
        said.pop()
    return " ".join(said) in rulebook().takes_back


def heard_anew(intent: Intent, text: str) -> Intent:
    """What a message is when it speaks of a petition (phản ánh), or blames at length, though it was read as something else."""
    said = fold(clean(text))
    long = len(said.split()) >= _TOLD_AT_ONCE
    if intent is Intent.RATING and long and any(word in said for word in rulebook().blames) and "danh gia" not in said:
        return Intent.PETITION
    if not _OWN.search(said):
        return intent
    if intent in (Intent.PETITION, Intent.UNKNOWN, Intent.LOOKUP) and _OWN_STANDING.search(said):
        return Intent.MY_PETITIONS
    if intent is not Intent.COMPLAINT_STATUS or "khieu nai" in said:
        return intent
    return Intent.PETITION if long and not _OWN_STANDING.search(said) else Intent.MY_PETITIONS


def follows(
    intent: Intent, text: str, state: State, context: Context, *, inherited: bool, unsure: bool
) -> tuple[Heard, str] | None:
    """What a message is that goes on about the petition at hand: what is heard, and what it is about; None for what does not."""
    if find_codes(text, context.today).anything:
        return None
    said = fold(clean(text, 300))
    long = len(said.split()) >= _FEWEST_OF_A_STORY
    hardly = intent in _UNSURE or unsure or (long and intent in _BY_CHANCE)
    if awaits_kind(state, context):
        goes_on = hardly and not _ASKS.search(said) and _says_something(text)
        return (Heard.PETITION_KIND, state.petition or "scene") if goes_on else None
    if not _is_at_hand(state, context):
        return None
    if (
        (intent in _QUESTIONS or (intent is Intent.PROCEDURE and inherited))
        and _STANDING.search(said)
        and not _DOSSIER.search(said)
        and len(said.split()) <= _MOST_OF_A_QUESTION
    ):
        return Heard.PETITION_CODE, payloads.spelled("status", state.petition_code)
    # While one is being completed, a few words more belong to it.
    enough = _TOLD_ANEW if state.step == "petition.adding" else _TOLD_AT_ONCE
    new = intent is Intent.PETITION and (len(said.split()) >= enough or _OWN.search(said))
    if hardly and not new and not _ASKS.search(said) and told_more(text) is not None:
        return Heard.PETITION_MORE, ""
    return None


def completes(text: str, state: State, context: Context) -> bool:
    """Whether a few words about the petition at hand say where it is, or that nobody is to be named: "bên phường Tân
    Phong ạ", "không muốn nêu tên"."""
    if state.step != "petition.adding" or not _is_at_hand(state, context) or _ASKS.search(fold(clean(text, 100))):
        return False
    more = told_more(text) if len(text.split()) < _FEWEST_OF_A_STORY else None
    return more is not None and (more.commune is not None or more.anonymous)


def told_more(text: str) -> asks.AddToPetition | None:
    """What a statement adds that nobody asked for: not to be named, the commune, a word for the office."""
    if within.wants_no_name(text):
        return asks.AddToPetition(code="", anonymous=True)
    commune = within.commune_said(text)
    rest = len(clean(text).split()) - (len(commune.split()) if commune else 0)
    note = clean(text)[:LONGEST] if rest >= (3 if commune else 1) and _says_something(text) else None
    return asks.AddToPetition(code="", commune=commune, note=note) if commune or note else None


def _says_something(text: str) -> bool:
    said = clean(text)
    return len(said.split()) >= _FEWEST_OF_A_NOTE and sum(map(str.isalpha, said)) >= LEAST_LETTERS


def _is_at_hand(state: State, context: Context) -> bool:
    """Whether a petition was filed or spoken of a while ago at most, and nothing else since."""
    last = max(state.topic_at, state.office_at) <= state.petition_at
    filed = bool(state.petition_code) and state.step in ("petition.adding", "idle")
    return filed and last and abs(context.seconds - state.petition_at) <= TOPIC_S
