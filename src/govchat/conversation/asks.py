"""What a step may want asked or done before it answers; `perform` does it, and each comes back as an event.

A `LookUp` without a secret only reads, so that a batch can answer many at once; everything else is done in the transaction of the event.
"""

from uuid import UUID

import msgspec


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


class FilePetition(msgspec.Struct, frozen=True):
    """File what this citizen reports or proposes (phản ánh, kiến nghị), in their words."""

    kind: str
    text: str
    anonymous: bool = False


class Petition(msgspec.Struct, frozen=True):
    """How a petition stands; `act` is `status`, `confirm` (it is resolved) or `reopen`."""

    code: str
    act: str = "status"


class MyPetitions(msgspec.Struct, frozen=True):
    """What this citizen has filed."""


class Person(msgspec.Struct, frozen=True):
    """This citizen asks for an officer."""


class Rate(msgspec.Struct, frozen=True):
    """Rate a dossier that has its result, on the scale that was offered."""

    code: str
    level: int


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
    | Petition
    | MyPetitions
    | Person
    | Rate
    | Reason
    | Privacy
    | LookUp
    | Subscribe
    | Unsubscribe
    | OptOut
    | MyDossiers
)
