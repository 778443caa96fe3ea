"""What is remembered of a conversation between two events of one citizen.

Stored as JSON, small and without personal data: no names, no secrets, no message texts. Whatever can't be read back — another
schema version, a damaged row — is a fresh start, never an error.
"""

from typing import Annotated, Any, Literal

import msgspec

MOST_CODES = 3  # looked up for one message
MOST_ASIDE = 6
MOST_CHOICES = 4
MOST_SKIPPED = 6
TOPIC_S = 2 * 3600  # after this "còn phí?" is no longer about what was shown
DOSSIER_S = 30 * 86400  # and "tới đâu rồi" no longer about the dossier looked up last

Stand = Literal["idle", "lookup.awaiting_code", "lookup.awaiting_secret", "petition.awaiting_text", "petition.adding"]
Proving = Literal["nothing", "secret", "phone"]
Wondering = Literal["", "when", "who", "why", "papers", "money", "result"]
Why = Literal["other_province", "ministry", "unknown_unit", "impossible", "future", "over"]

Code = Annotated[str, msgspec.Meta(max_length=64)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


class Aside(msgspec.Struct, frozen=True):
    """A code of the message that is not looked up, to be explained together with the answers."""

    code: Code
    letter_code: Annotated[str, msgspec.Meta(max_length=3)]
    why: Why


class Also(msgspec.Struct, frozen=True):
    """The second wish of a message: the button that stands for it; `aloud` when it is answered in words, too, `on` the day asked about.

    `quiet` when it is less than sure that it was wished for: the button alone.
    """

    payload: Annotated[str, msgspec.Meta(max_length=100)]
    aloud: bool = False
    quiet: bool = False
    on: Annotated[str, msgspec.Meta(max_length=10)] = ""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One citizen's place in the conversation; times are Unix seconds, 0 for never.

    `codes` are the dossiers looked up last, at `looked_at`; a secret is awaited for the first of them while `awaiting_until` lies ahead.
    `proving` is what the look-up under way was to prove with, `wondering` what alone was asked about the dossier. `misses` counts messages
    not understood in a row.
    `procedure` and `field` are what was talked about at `topic_at`, `choices` the procedures offered then to choose from; `also` is the
    second wish of the message that is being answered. `petition` is the kind of the petition that is being written since `petition_at`;
    `draft` names what is kept for it before its words: photos, a place (sealed), the event that holds the words. Once filed it is
    `petition_code`, `asked` the question put last, `skipped` those not wanted. `burst` counts messages since `burst_at`,
    `load` what was answered lately (`flood`); `missed` is the question that was put when that was too much, as its button.
    """

    version: Literal[1] = 1
    step: Stand = "idle"
    codes: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MOST_CODES)] = ()
    awaiting_until: Seconds = 0
    looked_at: Seconds = 0
    proving: Proving = "nothing"
    wondering: Wondering = ""
    asides: Annotated[tuple[Aside, ...], msgspec.Meta(max_length=MOST_ASIDE)] = ()
    misses: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    greeted_at: Seconds = 0
    media: Annotated[str, msgspec.Meta(max_length=16)] = ""
    media_at: Seconds = 0
    procedure: Code = ""
    field: Annotated[str, msgspec.Meta(max_length=16)] = ""
    topic_at: Seconds = 0
    choices: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MOST_CHOICES)] = ()
    also: Also | None = None
    petition: Annotated[str, msgspec.Meta(max_length=16)] = ""
    petition_at: Seconds = 0
    petition_code: Code = ""
    asked: Annotated[str, msgspec.Meta(max_length=16)] = ""
    skipped: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=16)], ...], msgspec.Meta(max_length=MOST_SKIPPED)
    ] = ()
    draft: Seconds = 0
    held_photos: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    held_place: Annotated[str, msgspec.Meta(max_length=200)] = ""
    held_words: Annotated[str, msgspec.Meta(max_length=40)] = ""
    burst: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0
    burst_at: Seconds = 0
    load: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0
    load_at: Seconds = 0
    missed: Also | None = None
    slowed_at: Seconds = 0


FRESH = State()


def load(stored: object) -> State:
    """The state from what the database holds (JSON text, bytes or decoded); a fresh one when it can't be read."""
    try:
        if isinstance(stored, str | bytes):
            return msgspec.json.decode(stored, type=State)
        if isinstance(stored, dict):
            return msgspec.convert(stored, State)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return FRESH
    return FRESH


def dump(state: State) -> dict[str, Any]:
    """The state as JSON values, for a JSON column."""
    built: dict[str, Any] = msgspec.to_builtins(state)
    return built
