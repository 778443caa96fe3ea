"""A button's title typed instead of tapped: on a computer Zalo may show no buttons, and older people copy what they read.

From a message to the payload of the button it names; only buttons that need no more than their name. Feeds `step`.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from govchat.conversation import payloads
from govchat.conversation.rulebook import bare
from govchat.conversation.wording import words

_LONGEST = 80

# The wording of a button and what it stands for.
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "lookup": payloads.LOOKUP,
        "another": payloads.LOOKUP,
        "help": payloads.HELP,
        "menu": payloads.MENU,
        "contact": payloads.CONTACT,
        "browse": payloads.EVENTS,
        "by_event": payloads.EVENTS,
        "by_field": payloads.FIELDS,
        "mine": payloads.MINE,
        "scan": payloads.SCAN,
        "lost_code": payloads.LOST_CODE,
        "secret": payloads.SECRET,
        "phone": payloads.PHONE,
        "subscribe": payloads.SUBSCRIBE,
        "unsubscribe": payloads.UNSUBSCRIBE,
        "unsubscribe_all": payloads.UNSUBSCRIBE,
        "opt_out": payloads.OPT_OUT,
        "link": payloads.LINK,
        "supplement": payloads.SUPPLEMENT,
        "payment": payloads.PAYMENT,
        "result": payloads.RESULT,
        "withdraw": payloads.WITHDRAW,
        "file_online": payloads.FILE_ONLINE,
        "person": payloads.PERSON,
        "dispute": payloads.DISPUTE,
        "my_petitions": payloads.MY_PETITIONS,
        "cancel": payloads.CANCEL,
        "again": payloads.AGAIN,
        "privacy_kept": "#data kept",
        "privacy_export": "#data export",
        "privacy_withdraw": "#data withdraw",
    }
)


def payload_typed(text: str) -> str:
    """The payload of the button whose title this is, marks and case left out; empty for any other text.

    A title that begins an act which can't be undone is not among them: erasing is confirmed by its button.
    """
    if len(text) > _LONGEST:
        return ""
    said = bare(text)
    return _payloads(tuple(words(f"button.{name}") for name in TITLES)).get(said, "") if said else ""


@lru_cache(maxsize=64)  # a province's own titles, each a few dozen
def _payloads(titles: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for title, payload in zip(titles, TITLES.values(), strict=True):
        found.setdefault(bare(title), payload)
    found.pop("", None)
    return found
