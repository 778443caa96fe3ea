"""Recorded dialogues run through the pure steps, without a database: what a citizen typed, tapped or sent, and what must come of it.

From YAML (or JSON) files to what went wrong, turn by turn. `govchat conversation replay` prints it, the tests demand that nothing does.
Dossiers of a dialogue stand in the file; proofs and subscriptions are kept for its length, as the database would.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
import yaml  # type: ignore[import-untyped]

from govchat.conversation import asks, events, petition_book
from govchat.conversation.context import Context
from govchat.conversation.flows import petition
from govchat.conversation.perform import consent_told
from govchat.conversation.replay_tenants import TENANTS
from govchat.conversation.say import Link, Outcome
from govchat.conversation.shelf import starter_shelf
from govchat.conversation.state import State, dump, load
from govchat.conversation.step import step
from govchat.errors import ConfigurationError
from govchat.files.keep import Kept

BEGIN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
STEP_S = 2  # between two turns
_LARGEST = 1_000_000  # bytes of a file


# A photo as it is kept for a petition.
PHOTO = Kept(id=UUID(int=7), media_type="image/jpeg", size=1000, width=800, height=600, scan="none")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A result of a dossier."""

    name: str
    url: str | None = None


class Dossier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dossier of a dialogue; `slowed` makes it answer with a wait of that many seconds."""

    status: int = 4
    unit: str = ""
    received_at: datetime | None = None
    due_at: datetime | None = None
    changed_at: datetime | None = None
    secret: str | None = None
    phone_matches: bool = False
    applicant_name: str = ""
    procedure_name: str | None = None
    officer: str | None = None
    status_note: str | None = None
    results: tuple[Item, ...] = ()
    slowed: int | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn: `citizen` types, taps (`tap`, a payload that was offered before) or something else happens (`event`).

    `ask` lists the dossier codes looked up, with `secret`; `does` names any other act. `says` and `hides` are pieces of the answer,
    `buttons` payloads that must be offered, `form` the contact form; `silent` means no answer. `holds` is what the petition
    holds by then (`petition_book.Filed`).
    """

    citizen: str | None = None
    tap: str | None = None
    event: str | None = None
    picture: events.PictureKind | None = None
    refused: Literal["", "large", "type", "infected", "away"] = ""
    codes: tuple[str, ...] = ()
    caption: str = ""
    wait_minutes: int = 0
    ask: tuple[str, ...] = ()
    secret: str | None = None
    does: str | None = None
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    holds: dict[str, str | int | bool | None] = {}
    form: bool = False
    silent: bool = False

    @property
    def heard(self) -> str:
        return self.citizen or self.tap or self.event or self.picture or ""


class Dialogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole conversation with one citizen."""

    name: str
    turns: tuple[Recorded, ...]
    tenant: str = "dong-nai"
    dossiers: dict[str, Dossier] = {}


class _File(msgspec.Struct, frozen=True):
    dialogues: tuple[Dialogue, ...]


class Played(msgspec.Struct, frozen=True):
    """One turn as it went: the answer (empty for silence), what was offered, and every way in which it is not as recorded."""

    heard: str
    said: str
    offered: tuple[str, ...]
    wrong: tuple[str, ...]


EVENTS: dict[str, events.Event] = {
    "followed": events.Followed(),
    "unfollowed": events.Unfollowed(),
    "opened_chat": events.OpenedChat(),
    "given_back": events.GivenBack(),
    "place": events.Place(10.951234, 106.821234),
    "sticker": events.Sticker(),
    "other_media": events.OtherMedia(),
    "shared_contact": events.SharedContact(phone_known=True),
    "shared_no_phone": events.SharedContact(phone_known=False),
}


def load_dialogues(path: Path) -> tuple[Dialogue, ...]:
    """The dialogues of a file; raises `ConfigurationError` naming the file and what is wrong."""
    try:
        raw = path.read_bytes()
        if len(raw) > _LARGEST:
            raise ConfigurationError(f"{path}: {len(raw)} bytes: expected at most {_LARGEST}")
        return msgspec.convert(yaml.safe_load(raw), _File, strict=False).dialogues
    except (OSError, yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"{path}: {' '.join(str(wrong).split())}") from wrong


class Archive:
    """The dossiers of a dialogue, proofs and subscriptions: one answer for "not found" and "wrong secret"."""

    def __init__(self, dossiers: dict[str, Dossier]) -> None:
        self.dossiers = dossiers
        self.phone_shared = False
        self.proven: list[str] = []
        self.followed: list[str] = []
        self.petitions = petition_book.PetitionBook()
        self.ratings = petition_book.RatingBook()

    def perform(self, ask: asks.Ask) -> events.Answer:  # noqa: PLR0911 -- one act a line
        """What the database side would answer."""
        match ask:
            case asks.LookUp(codes, secret):
                return events.LookedUp(tuple(self._look_up(code, secret) for code in codes))
            case asks.Subscribe(key):
                code = key if key in self.proven else None if key else next(reversed(self.proven), None)
                if code and code not in self.followed:
                    self.followed.append(code)
                return events.Subscribed(code, ask_survey=code is not None)
            case asks.Unsubscribe(key):
                left = [code for code in self.followed if key and code != key]
                ended, self.followed = len(self.followed) - len(left), left
                return events.Unsubscribed(ended, len(left))
            case asks.OptOut():
                return events.OptedOut(len(self.followed))
            case asks.MyDossiers():
                return events.MyDossiers(tuple(self._mine(code) for code in reversed(self.proven)))
            case (
                asks.FilePetition()
                | asks.HoldForPetition()
                | asks.AddToPetition()
                | asks.DropPhoto()
                | asks.Petition()
                | asks.MyPetitions()
            ):
                return self.petitions.perform(ask)
            case asks.Rate() | asks.Reason() | asks.Opinion() | asks.Comment():
                return self.ratings.perform(ask)
            case asks.Forget(kind):
                return events.Forgotten(kind)
            case asks.Agree() | asks.Disagree():
                return consent_told(ask)
            case _:  # what the rooms say is theirs; that they are asked is what a dialogue shows
                return events.Told(type(ask).__name__)

    def _mine(self, code: str) -> events.Mine:
        row = self.dossiers[code]
        return events.Mine(code, row.status, row.due_at, code in self.followed)

    def _look_up(self, code: str, secret: str | None) -> events.DossierAnswer:
        row = self.dossiers.get(code)
        if row and row.slowed is not None:
            return events.Slowed(code, row.slowed)
        if row is None or (secret and secret.upper() != row.secret):
            return events.Unknown(code)
        if secret or (self.phone_shared and row.phone_matches):
            self.proven = [*(one for one in self.proven if one != code), code]
        return events.Shown(
            code=code,
            status=row.status,
            unit=row.unit,
            received_at=row.received_at,
            due_at=row.due_at,
            changed_at=row.changed_at,
            proven=_proven(row) if code in self.proven else None,
        )


def _proven(row: Dossier) -> events.Proven:
    return events.Proven(
        applicant_name=row.applicant_name,
        procedure_name=row.procedure_name,
        officer=row.officer,
        status_note=row.status_note,
        results=tuple(events.ResultItem(item.name, item.url) for item in row.results),
    )


def play(dialogue: Dialogue) -> Iterator[Played]:
    """The turns of a dialogue one after the other, each with what is not as recorded."""
    tenant = TENANTS.get(dialogue.tenant)
    if tenant is None:
        raise ConfigurationError(
            f'dialogue "{dialogue.name}": tenant "{dialogue.tenant}": expected one of {", ".join(TENANTS)}'
        )
    archive, state, now = Archive(dialogue.dossiers), State(), BEGIN
    offered: list[str] = []  # ever; the latest last
    for turn in dialogue.turns:
        now += timedelta(seconds=STEP_S, minutes=turn.wait_minutes)
        context = Context(now, tenant, starter_shelf())
        wrong: list[str] = []
        tapped = next((each for each in reversed(offered) if _is_named(turn.tap, each)), None) if turn.tap else None
        if turn.tap and tapped is None:
            wrong.append(f'"{turn.tap}" was never offered')
        archive.phone_shared |= turn.event == "shared_contact"
        outcome = step(state, _event(turn, tapped or turn.tap, state, context), context)
        asked = outcome.ask
        wrong += _asked_wrong(turn, asked)
        if asked is not None:
            if outcome.say:
                wrong.append("an answer before what was asked for")
            outcome = step(load(dump(outcome.state)), archive.perform(asked), context)
        wrong += archive.petitions.differs(turn.holds)
        played = _checked(turn, outcome, wrong)
        offered += played.offered
        yield played
        state = load(dump(outcome.state))


def _is_named(recorded: str, payload: str) -> bool:
    """Whether a recorded payload is this one; one recorded without what it is about is any of its kind."""
    return payload == recorded or payload.startswith(f"{recorded} ")


def _event(turn: Recorded, tapped: str | None, state: State, context: Context) -> events.Event:
    if turn.citizen is not None:
        return events.Text(turn.citizen)
    if tapped is not None:
        return events.Tapped(tapped)
    if turn.event in EVENTS:
        return EVENTS[turn.event]
    kind = turn.picture or "unread"
    elsewhere = "Tỉnh Cao Bằng" if kind == "other_province" else ""
    if not petition.is_fresh(state, context) or kind in ("dossier", "other_province", "person"):
        return events.Picture(kind, turn.codes, elsewhere)
    photo = None if turn.refused else PHOTO
    return events.Picture(kind, turn.codes, photo=photo, refused=turn.refused, caption=turn.caption)


def _asked_wrong(turn: Recorded, asked: asks.Ask | None) -> list[str]:
    if isinstance(asked, asks.LookUp):
        codes, secret, does = asked.codes, asked.secret, None
    else:
        codes, secret, does = (), None, type(asked).__name__ if asked else None
    wrong = []
    if codes != turn.ask or secret != turn.secret:
        wrong.append(f"looked up {list(codes)} with {secret}, not {list(turn.ask)} with {turn.secret}")
    if does != turn.does:
        wrong.append(f"did {does}, not {turn.does}")
    return wrong


def _checked(turn: Recorded, outcome: Outcome, wrong: list[str]) -> Played:
    if not outcome.say:
        return Played(turn.heard, "", (), (*wrong, *(() if turn.silent else ("no answer",))))
    said = outcome.say[0]
    offered = tuple(button.url if isinstance(button, Link) else button.payload for button in said.buttons)
    wrong = [
        *wrong,
        *(["an answer where silence was recorded"] if turn.silent else []),
        *(["more than one answer"] if len(outcome.say) > 1 else []),
        *(f'"{piece}" is not said' for piece in turn.says if piece not in said.text),
        *(f'"{piece}" must not be said' for piece in turn.hides if piece in said.text),
        *(
            f"{payload} is not offered"
            for payload in turn.buttons
            if not any(_is_named(payload, each) for each in offered)
        ),
        *(["the form is there or missing against the record"] if bool(said.form) != turn.form else []),
    ]
    return Played(turn.heard, said.text, offered, tuple(wrong))
