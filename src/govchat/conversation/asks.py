"""What a step may want asked or done before it answers; `perform` does it, and each comes back as an event.

A `LookUp` without a secret only reads, so that a batch can answer many at once; everything else is done in the transaction of the event.
"""

from uuid import UUID

import msgspec

from govchat.files.keep import Kept


class LookUp(msgspec.Struct, frozen=True):
    """Look these dossiers up (normalised keys, 1 to 3) for this citizen; a secret comes with one code only."""

    codes: tuple[str, ...]
    secret: str | None = None


class Subscribe(msgspec.Struct, frozen=True):
    """Follow the dossier with this key, which this citizen has proved; without a key the one proved last."""

    key: str | None = None


class Unsubscribe(msgspec.Struct, frozen=True):
    """End following the dossier with this key, or all of them."""

    key: str | None = None


class OptOut(msgspec.Struct, frozen=True):
    """No more broadcasts."""


class MyDossiers(msgspec.Struct, frozen=True):
    """The dossiers that this citizen follows or has proved."""


class FilePetition(msgspec.Struct, frozen=True, kw_only=True):
    """File what this citizen reports or proposes (phản ánh, kiến nghị): in these words, or in those of the message `words_of` (an event).

    `more` goes behind those words; `photo` came with them; `draft` names what was kept before them, `place` a place held before them (see
    `Held`).
    """

    kind: str
    text: str = ""
    words_of: str = ""
    more: str = ""
    photo: Kept | None = None
    draft: int = 0
    place: str = ""


class HoldForPetition(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a photo, a place or this very message for the petition begun at `draft` (Unix seconds)."""

    draft: int
    photo: Kept | None = None
    place: tuple[float, float] | None = None
    words: bool = False


class AddToPetition(msgspec.Struct, frozen=True, kw_only=True):
    """Add to one's open petition; nothing given asks what it holds."""

    code: str
    photo: Kept | None = None
    place: tuple[float, float] | None = None
    commune: str | None = None
    name: str | None = None
    anonymous: bool = False
    category: str | None = None
    note: str | None = None


class DropPhoto(msgspec.Struct, frozen=True, kw_only=True):
    """Let the photo go that was sent last: of one's open petition, or of the one begun at `draft`."""

    code: str = ""
    draft: int = 0


class Forget(msgspec.Struct, frozen=True):
    """Keep nothing of this very message: what it is about (`complaint`, `denunciation`) is the law's way, not ours.

    Behind a blank the side of it that was asked about, if it was one.
    """

    kind: str


class Petition(msgspec.Struct, frozen=True):
    """How a petition stands; `act` is `status`, `confirm` (it is resolved), `reopen`, `withdraw` (the citizen wants it back) or `amend`.

    Without a code the newest that it can be about.
    """

    code: str
    act: str = "status"


class MyPetitions(msgspec.Struct, frozen=True):
    """What this citizen has filed."""


class Person(msgspec.Struct, frozen=True):
    """This citizen asks for an officer."""


class Rate(msgspec.Struct, frozen=True):
    """Rate a dossier that has its result, on the scale that was offered; without a level ask to be offered one, without a code which.

    `said` is what was typed about it without a code (folded), `alone` when it is no more than a number.
    """

    code: str = ""
    level: int | None = None
    said: str = ""
    alone: bool = False


class Comment(msgspec.Struct, frozen=True):
    """A word of one's own beside a rating, while `about` (empty for the reason) was asked."""

    dossier_id: UUID
    code: str
    about: str
    text: str


class Opinion(msgspec.Struct, frozen=True):
    """What somebody thinks of one side of how a dossier was handled: `time`, `attitude`, `clarity` on the scale, `costs` 1 or 0."""

    dossier_id: UUID
    code: str
    about: str
    value: int


class Agree(msgspec.Struct, frozen=True):
    """Consent to be asked how it went (`survey`), or to be written to in general (`broadcast`)."""

    purpose: str


class Disagree(msgspec.Struct, frozen=True):
    """That consent is withdrawn."""

    purpose: str


class Reason(msgspec.Struct, frozen=True):
    """Why a dossier was rated so."""

    dossier_id: UUID
    code: str
    key: str


class Privacy(msgspec.Struct, frozen=True):
    """A request about one's own data (`privacy.models.KINDS`), or `kept`: what there is."""

    kind: str


Ask = (
    FilePetition
    | HoldForPetition
    | AddToPetition
    | DropPhoto
    | Forget
    | Opinion
    | Agree
    | Disagree
    | Petition
    | MyPetitions
    | Person
    | Rate
    | Comment
    | Reason
    | Privacy
    | LookUp
    | Subscribe
    | Unsubscribe
    | OptOut
    | MyDossiers
)
