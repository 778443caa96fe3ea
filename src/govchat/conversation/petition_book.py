"""Petitions and ratings of a recorded dialogue, kept for its length as the database would keep them. Used by `replay` alone.

The office's side is told in the dialogue by what the citizen taps: an answer is there as soon as they confirm or reopen.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from govchat.conversation import asks, events, payloads, rate
from govchat.conversation.wording import words
from govchat.kit.phrases import phrases
from govchat.petitions import add, categories, within
from govchat.petitions.judge import MOST_PHOTOS
from govchat.ratings import scale
from govchat.ratings.give import Given

CODE = "PA-K7PX2-M9QD8"  # of whatever is filed in a dialogue
RATING = UUID(int=11)
FORWARD, DUE = "27/11/2026", "11/12/2026"
_USUAL = {"reflection": "service", "proposal": "rules"}
_HELD = "words-of-a-message"


class Filed(msgspec.Struct, kw_only=True):
    """What a petition holds; `state` is `received` or what the citizen made of it."""

    kind: str
    category: str
    text: str
    photos: int = 0
    place: str = ""
    commune: str | None = None
    name: str | None = None
    anonymous: bool = False
    note: str | None = None
    state: str = "received"


class PetitionBook:
    """One citizen's petition."""

    def __init__(self) -> None:
        self.filed: Filed | None = None
        self.held = 0
        self.draft = 0

    def perform(self, ask: asks.Ask) -> events.Answer:
        """What the database side would answer."""
        match ask:
            case asks.HoldForPetition():
                return self._hold(ask)
            case asks.FilePetition():
                return self._file(ask)
            case asks.AddToPetition():
                return self._add(ask)
            case asks.DropPhoto():
                return self._drop(ask)
            case asks.Petition(code, act):
                return self._about(code, act)
            case _:
                return events.Told(words("petition.mine", count=1) if self.filed else words("petition.none"))

    def differs(self, expected: Mapping[str, str | int | bool | None]) -> list[str]:
        """What the petition holds otherwise than recorded."""
        held = msgspec.structs.asdict(self.filed) if self.filed else {}
        return [
            f"the petition holds {name} {held.get(name)!r}, not {value!r}"
            for name, value in expected.items()
            if held.get(name) != value
        ]

    def _hold(self, ask: asks.HoldForPetition) -> events.Held:
        if ask.photo is not None:
            self.held = self.held + 1 if ask.draft == self.draft else 1
            self.draft = ask.draft
            return events.Held(full=True) if self.held > MOST_PHOTOS else events.Held(photos=self.held)
        return events.Held(place="held") if ask.place else events.Held(words_of=_HELD)

    def _drop(self, ask: asks.DropPhoto) -> events.Answer:
        if ask.draft and self.held and ask.draft == self.draft:
            self.held -= 1
            return events.Held(photos=self.held, dropped=True)
        if self.filed is None or not self.filed.photos or ask.draft:
            return events.Told(words("media.none_kept"))
        self.filed.photos -= 1
        return self._told(words("petition.photo_dropped"))

    def _file(self, ask: asks.FilePetition) -> events.Answer:
        suggested = categories.suggest("\n".join(filter(None, (ask.text, ask.more))))
        usual = _USUAL.get(ask.kind, categories.OTHER)
        photos = min(self.held, MOST_PHOTOS) if ask.draft and ask.draft == self.draft else 0
        told = "\n".join(filter(None, (ask.text, ask.more)))
        self.filed = Filed(
            kind=ask.kind,
            category=suggested[0].key if suggested else usual,
            text=told,
            photos=photos + bool(ask.photo),
            place=ask.place,
            commune=within.commune_in(told),
            name=within.name_in(told),
            anonymous=within.wants_no_name(told),
        )
        title = categories.title_of(self.filed.category)
        return self._told(words("petition.filed", code=CODE, category=title, forward=FORWARD, due=DUE))

    def _add(self, ask: asks.AddToPetition) -> events.Answer:  # noqa: PLR0911 -- one thing a line
        held = self.filed
        if held is None or ask.code != CODE:
            return events.Told(words("petition.unknown"))
        if ask.photo is not None:
            if held.photos == MOST_PHOTOS:
                return events.Told(words("petition.photos_full"))
            held.photos += 1
            return self._told(words("petition.photo_added", count=held.photos), is_photo=True)
        if ask.place is not None:
            held.place = "held"
            return self._told(words("petition.place_added"))
        if ask.commune is not None:
            held.commune, held.note = ask.commune, ask.note or held.note
            told = words("petition.commune_added", commune=ask.commune)
            return self._told(f"{told} {words('petition.note_added')}" if ask.note else told)
        if ask.category is not None:
            held.category = ask.category
            return self._told(words("petition.category_added", category=categories.title_of(ask.category)))
        if ask.anonymous:
            held.anonymous = True
            return self._told(words("petition.anonymous_added"))
        if ask.name is not None:
            held.name = ask.name
            return self._told(words("petition.name_added"))
        if ask.note is not None:
            held.note = ask.note
            return self._told(words("petition.note_added"))
        return self._told("")

    def _told(self, text: str, *, is_photo: bool = False) -> events.Petitioned:
        held = self.filed
        assert held is not None
        wants = add.wants(
            held.kind, held.category, held.commune, named=bool(held.name) or held.anonymous,
            shown=bool(held.photos or held.place),
        )  # fmt: skip
        return events.Petitioned(
            code=CODE,
            text=text,
            photos=held.photos,
            has_place=bool(held.place),
            commune=held.commune or "",
            category=categories.title_of(held.category),
            wants=wants,
            is_photo=is_photo,
        )

    def _about(self, code: str, act: str) -> events.Answer:
        code = code or CODE
        if code != CODE or self.filed is None:
            return events.Told(words("petition.unknown"))
        if act == "amend":
            return events.Petitioned(code=CODE, text="", wants=("note",))
        if act == "withdraw":
            self.filed.note = words("petition.withdraw_note")
            return msgspec.structs.replace(self._told(words("petition.withdrawn", code=CODE)), wants=(), over=True)
        if act == "reopen":
            self.filed.state = "reopened"
            return events.Petitioned(code=CODE, text=words("petition.reopened", code=CODE, due=DUE), wants=("why",))
        if act == "confirm":
            self.filed.state = "confirmed"
            return events.Told(words("petition.confirmed", code=CODE))
        said = phrases("govchat.petitions")
        state = said[f"state_{self.filed.state}"]
        more = events.Button(words("button.petition_more"), payloads.spelled(payloads.PETITION_CODE, "more", CODE))
        return events.Told(words("petition.head", title=said["kind_reflection"], code=CODE, state=state), (more,))


class RatingBook:
    """One dossier's rating, on three levels."""

    def __init__(self) -> None:
        self.code = ""
        self.level = 0

    def perform(self, ask: asks.Ask) -> events.Answer:
        """What the database side would answer."""
        match ask:
            case asks.Rate(code, level) if code and level:
                self.code, self.level = code, level
                return rate.asked_why(self._given())
            case asks.Rate(code) if code:
                return rate.offered(code, 3)
            case asks.Comment():
                return rate.commented(self._given(), ask.about)
            case asks.Rate(alone=True):
                return events.Told(words("front.not_understood"))
            case asks.Rate():
                return events.Told(words("guide.rating"))
        return rate.next_question(self._given(), ask.about if isinstance(ask, asks.Opinion) else "")

    def _given(self) -> Given:
        poor = scale.is_poor(self.level, 3)
        return Given(dossier_id=RATING, code=self.code, unit="", level=self.level, levels=3, poor=poor)
