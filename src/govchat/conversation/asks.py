"""What a step may want asked or done before it answers; `perform` does it, and each comes back as an event.

A `LookUp` without a secret only reads, so that a batch can answer many at once; everything else is done in the transaction of the event.
"""

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


Ask = LookUp | Subscribe | Unsubscribe | OptOut | MyDossiers
