"""What a message can amount to for the flows, and which reading of the language it comes from."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from govchat.kit.text import fold


class Intent(StrEnum):
    """What a typed message is about; `turn.Heard` has the same values."""

    LOOKUP = "lookup"
    PROGRESS = "progress"
    MY_DOSSIERS = "my_dossiers"
    LOST_CODE = "lost_code"
    LOST_SECRET = "lost_secret"  # noqa: S105 -- an intent
    SECRET = "secret"  # noqa: S105 -- an intent
    PERSONAL_NUMBER = "personal_number"
    PROCEDURE = "procedure"
    BROWSE = "browse"
    FILE_ONLINE = "file_online"
    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    RESULT = "result"
    WITHDRAW = "withdraw"
    SCAN_HELP = "scan_help"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    OPT_OUT = "opt_out"
    LINK = "link"
    CONTACT_OFFICE = "contact_office"
    HUMAN = "human"
    PETITION = "petition"
    COMPLAINT = "complaint"
    COMPLAINT_STATUS = "complaint_status"
    DENUNCIATION = "denunciation"
    DISPUTE = "dispute"
    RATING = "rating"
    RATE = "rate"
    PETITION_CODE = "petition_code"
    MY_PETITIONS = "my_petitions"
    MY_REQUESTS = "my_requests"
    PRIVACY = "privacy"
    SURVEY = "survey"
    NO_SURVEY = "no_survey"
    BROADCAST = "broadcast"
    STAFF = "staff"
    HELP = "help"
    MENU = "menu"
    CANCEL = "cancel"
    THANKS = "thanks"
    GREETING = "greeting"
    ABUSE = "abuse"
    OUT_OF_SCOPE = "out_of_scope"
    UNKNOWN = "unknown"


# What the flows hear of each intent (and detail, where it narrows one).
HEARD: Mapping[tuple[str, str], Intent] = MappingProxyType(
    {
        ("lookup_dossier", "lost_code"): Intent.LOST_CODE,
        ("lookup_dossier", "lost_secret"): Intent.LOST_SECRET,
        ("lookup_dossier", "help"): Intent.HELP,
        ("lookup_dossier", ""): Intent.PROGRESS,
        ("scan_qr_help", ""): Intent.SCAN_HELP,
        ("procedure_info", ""): Intent.PROCEDURE,
        ("procedure_list", ""): Intent.BROWSE,
        ("procedure_list", "menu"): Intent.MENU,
        ("procedure_list", "help"): Intent.HELP,
        ("file_online", ""): Intent.FILE_ONLINE,
        ("supplement", ""): Intent.SUPPLEMENT,
        ("payment", ""): Intent.PAYMENT,
        ("result_delivery", ""): Intent.RESULT,
        ("withdraw", ""): Intent.WITHDRAW,
        ("subscribe", ""): Intent.SUBSCRIBE,
        ("subscribe", "stop"): Intent.OPT_OUT,
        ("link_identity", ""): Intent.LINK,
        ("contact_office", ""): Intent.CONTACT_OFFICE,
        ("human_handoff", ""): Intent.HUMAN,
        ("petition", ""): Intent.PETITION,
        ("file_complaint", ""): Intent.COMPLAINT,
        ("complaint_status", ""): Intent.COMPLAINT_STATUS,
        ("denunciation", ""): Intent.DENUNCIATION,
        ("dispute", ""): Intent.DISPUTE,
        ("rating", ""): Intent.RATING,
        ("privacy_request", ""): Intent.PRIVACY,
        ("staff_inbox", ""): Intent.STAFF,
        ("staff_ack", ""): Intent.STAFF,
        ("staff_stats", ""): Intent.STAFF,
        ("thanks_bye", ""): Intent.THANKS,
        ("greeting", ""): Intent.GREETING,
        ("abuse", ""): Intent.ABUSE,
        ("out_of_scope", ""): Intent.OUT_OF_SCOPE,
    }
)

# What a wish about one's own data is about, by its words without marks; the first that is found.
_ABOUT_DATA = (
    ("erase", ("xoa",)),
    ("withdraw", ("rut lai dong y", "rut dong y", "khong dong y")),
    ("correct", ("sua", "chinh sua", "dinh chinh", "cap nhat")),
    ("export", ("ban sao", "tai ve", "xuat")),
)


def data_wish(text: str) -> str:
    """The kind of privacy request that a sentence asks for; empty when it only asks what is kept."""
    said = fold(text)
    return next((kind for kind, phrases in _ABOUT_DATA if any(phrase in said for phrase in phrases)), "")
