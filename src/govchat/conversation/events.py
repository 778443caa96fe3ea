"""What happened on the citizen's side, or came back from what a step asked for.

The engine makes these from inbox rows, `perform` the answers; `step` takes them. Nothing here knows Zalo's payloads.
"""

from datetime import datetime
from typing import Literal

import msgspec

from govchat.files.keep import Kept


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A typed message."""

    text: str


class Tapped(msgspec.Struct, frozen=True, tag="tapped"):
    """A button of ours, proven by its token: what it stands for (`payloads`), whenever it was sent."""

    payload: str


# What a photo turned out to be: a dossier code in it, a receipt of another province, a card of a person, a code that says nothing to us,
# no code at all; "unread" when it was not looked at.
PictureKind = Literal["unread", "dossier", "other_province", "person", "foreign", "nothing"]


class Picture(msgspec.Struct, frozen=True, tag="picture"):
    """A photo, and what was read in it before this; its bytes are never here. `codes` are normalised keys.

    `photo` is there when it was kept for a petition, `refused` tells why it could not be (`large`, `type`, `infected`, `full`, `away`);
    `caption` is what was written beside it.
    """

    kind: PictureKind = "unread"
    codes: tuple[str, ...] = ()
    province: str = ""
    photo: Kept | None = None
    refused: str = ""
    caption: str = ""


class Place(msgspec.Struct, frozen=True, tag="place"):
    """A shared location, in degrees; without them when Zalo sent none that is on Earth."""

    latitude: float | None = None
    longitude: float | None = None


class Sticker(msgspec.Struct, frozen=True, tag="sticker"):
    """A sticker."""


class OtherMedia(msgspec.Struct, frozen=True, tag="other_media"):
    """Voice, video, a file, a business card, a link."""


class Followed(msgspec.Struct, frozen=True, tag="followed"):
    """The citizen began to follow the Official Account."""


class Unfollowed(msgspec.Struct, frozen=True, tag="unfollowed"):
    """The citizen stopped following; nothing may be answered."""


class OpenedChat(msgspec.Struct, frozen=True, tag="opened_chat"):
    """The citizen opened the chat window without writing."""


class GivenBack(msgspec.Struct, frozen=True, tag="given_back"):
    """The citizen wants the bot again, which an officer's words had silenced."""


class SharedContact(msgspec.Struct, frozen=True, tag="shared_contact"):
    """The citizen sent Zalo's contact form; `phone_known` when a phone came with it and is stored as a proof."""

    phone_known: bool


class ResultItem(msgspec.Struct, frozen=True):
    """One paper or file that came out of a dossier."""

    name: str
    url: str | None = None


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What only someone who proved the dossier may see."""

    procedure_name: str | None = None
    applicant_name: str
    officer: str | None = None
    status_note: str | None = None
    results: tuple[ResultItem, ...] = ()


class Shown(msgspec.Struct, frozen=True, tag="shown", kw_only=True):
    """A dossier of this tenant; times are aware. Without `proven` only status, unit and dates may be said."""

    code: str
    status: int
    unit: str
    received_at: datetime | None = None
    due_at: datetime | None = None
    changed_at: datetime | None = None
    proven: Proven | None = None


class Mine(msgspec.Struct, frozen=True):
    """One line of a citizen's own dossiers; `followed` when they are told of changes."""

    code: str
    status: int
    due_at: datetime | None = None
    followed: bool = False


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """No dossier has this code, or the secret is not its: deliberately the same answer."""

    code: str


class Slowed(msgspec.Struct, frozen=True, tag="slowed"):
    """Too many tries for now."""

    code: str
    retry_in_s: int


DossierAnswer = Shown | Unknown | Slowed


class LookedUp(msgspec.Struct, frozen=True, tag="looked_up"):
    """The answers to a `LookUp`, in its order."""

    answers: tuple[DossierAnswer, ...]


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed"):
    """The dossier that is followed from now on; None when this citizen has proved none. `ask_survey`: they have not said yet whether
    they may be asked how it went."""

    code: str | None
    ask_survey: bool = False


class Unsubscribed(msgspec.Struct, frozen=True, tag="unsubscribed"):
    """How many dossiers are followed no more, and how many still are."""

    ended: int
    left: int = 0


class Held(msgspec.Struct, frozen=True, tag="held", kw_only=True):
    """Something was kept for a petition that is not filed yet: so many photos, a sealed place, the event with its words.

    `dropped` when a photo was let go again.
    """

    photos: int = 0
    place: str = ""
    words_of: str = ""
    full: bool = False
    dropped: bool = False


class Petitioned(msgspec.Struct, frozen=True, tag="petitioned", kw_only=True):
    """A petition of this citizen that is open: what is to be said of what was done, what it holds, what could still be asked; `is_photo`
    when a photo was added."""

    code: str
    text: str = ""
    photos: int = 0
    has_place: bool = False
    commune: str = ""
    category: str = ""
    wants: tuple[str, ...] = ()
    is_photo: bool = False
    over: bool = False


class Forgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    """Nothing is kept of the message that was about this."""

    kind: str


class OptedOut(msgspec.Struct, frozen=True, tag="opted_out"):
    """No more broadcasts; `following` dossiers are still told of."""

    following: int = 0


class MyDossiers(msgspec.Struct, frozen=True, tag="my_dossiers"):
    """The citizen's own dossiers, the latest first."""

    items: tuple[Mine, ...]


class Button(msgspec.Struct, frozen=True):
    """What may be tapped below an answer; `payload` as in `payloads`."""

    title: str
    payload: str


class Told(msgspec.Struct, frozen=True, tag="told"):
    """What a room answered in its own words; `asked` is the question about a rating that it ends with (`rate`)."""

    text: str
    buttons: tuple[Button, ...] = ()
    asked: str = ""


Answer = Told | Held | Petitioned | Forgotten | LookedUp | Subscribed | Unsubscribed | OptedOut | MyDossiers
Event = (
    Tapped
    | Answer
    | Text
    | Picture
    | Place
    | Sticker
    | OtherMedia
    | Followed
    | Unfollowed
    | OpenedChat
    | SharedContact
    | GivenBack
)
