"""What our buttons stand for: a word, and behind a blank what it is about. They leave as tokens (`buttons`), never as these words."""

from collections.abc import Mapping
from types import MappingProxyType

from govchat.conversation.turn import Heard

LOOKUP = "#lookup"
HELP = "#help"
CONTACT = "#contact"
MENU = "#menu"
SECRET = "#secret"  # noqa: S105 -- a payload; and the dossier's code
PHONE = "#phone"  # and the dossier's code
CODE = "#code"  # and a dossier code
SCAN = "#scan"
LOST_CODE = "#lost"
MINE = "#mine"
SUBSCRIBE = "#subscribe"  # and the dossier's code
UNSUBSCRIBE = "#unsubscribe"  # and the dossier's code, or nothing for all
PROCEDURE = "#procedure"  # and its code, and the field asked for
FIELDS = "#fields"  # and the page
EVENTS = "#events"  # and the page
GROUP = "#group"  # and its name and page
FILE_ONLINE = "#file"
SUPPLEMENT = "#supplement"
PAYMENT = "#payment"
RESULT = "#result"
LINK = "#link"
PETITION = "#petition"
PETITION_KIND = "#report"  # and the kind
PETITION_CODE = "#pa"  # and what to do, the code, and a value where one is needed
MY_PETITIONS = "#reports"
RATE = "#rate"  # and the dossier's code and the level
REASON = "#reason"  # and the dossier's code and the reason
OPINION = "#think"  # and the rating, the dossier's code, what about, and the answer
AGREE = "#agree"  # and the purpose
PRIVACY = "#privacy"
PRIVACY_KIND = "#data"  # and the kind of request
PERSON = "#person"
CANCEL = "#cancel"
OPT_OUT = "#stop"
WITHDRAW = "#withdraw"
COMPLAINT = "#complaint"
DISPUTE = "#dispute"
AGAIN = "#again"

HEARD: Mapping[str, Heard] = MappingProxyType(
    {
        LOOKUP: Heard.LOOKUP,
        HELP: Heard.HELP,
        CONTACT: Heard.CONTACT_OFFICE,
        MENU: Heard.MENU,
        SECRET: Heard.WANTS_SECRET,
        PHONE: Heard.WANTS_PHONE,
        CODE: Heard.LOOKUP,
        SCAN: Heard.SCAN_HELP,
        LOST_CODE: Heard.LOST_CODE,
        MINE: Heard.MY_DOSSIERS,
        SUBSCRIBE: Heard.SUBSCRIBE,
        UNSUBSCRIBE: Heard.UNSUBSCRIBE,
        PROCEDURE: Heard.PROCEDURE,
        FIELDS: Heard.BROWSE,
        EVENTS: Heard.BROWSE,
        GROUP: Heard.GROUP,
        FILE_ONLINE: Heard.FILE_ONLINE,
        SUPPLEMENT: Heard.SUPPLEMENT,
        PAYMENT: Heard.PAYMENT,
        RESULT: Heard.RESULT,
        LINK: Heard.LINK,
        PETITION: Heard.PETITION,
        PETITION_KIND: Heard.PETITION_KIND,
        PETITION_CODE: Heard.PETITION_CODE,
        MY_PETITIONS: Heard.MY_PETITIONS,
        RATE: Heard.RATE,
        REASON: Heard.REASON,
        OPINION: Heard.OPINION,
        AGREE: Heard.AGREE,
        PRIVACY: Heard.PRIVACY,
        PRIVACY_KIND: Heard.PRIVACY_KIND,
        PERSON: Heard.HUMAN,
        CANCEL: Heard.CANCEL,
        OPT_OUT: Heard.OPT_OUT,
        WITHDRAW: Heard.WITHDRAW,
        COMPLAINT: Heard.COMPLAINT,
        DISPUTE: Heard.DISPUTE,
        AGAIN: Heard.AGAIN,
    }
)


def spelled(payload: str, *arguments: object) -> str:
    """The payload with what it is about."""
    return " ".join((payload, *(str(each) for each in arguments if each != "")))


def parted(text: str) -> tuple[Heard, str] | None:
    """What a payload means, and what it is about; None for one that no button has (any more)."""
    head, _, argument = text.partition(" ")
    heard = HEARD.get(head)
    if head in (FIELDS, EVENTS):
        argument = f"{head[1:]} {argument}"
    return (heard, argument) if heard else None
