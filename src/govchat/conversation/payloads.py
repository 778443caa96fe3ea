"""What our buttons send back. A citizen can type the same, and nothing comes of it that the words would not have done."""

from govchat.conversation.turn import Heard

LOOKUP = "#lookup"
HELP = "#help"
CONTACT = "#contact"
MENU = "#menu"
SECRET = "#secret"  # noqa: S105 -- a payload
PHONE = "#phone"
CODE = "#code "  # and a dossier code, which is read as if it were typed

HEARD = {
    LOOKUP: Heard.LOOKUP,
    HELP: Heard.HELP,
    CONTACT: Heard.CONTACT_OFFICE,
    MENU: Heard.MENU,
    SECRET: Heard.WANTS_SECRET,
    PHONE: Heard.WANTS_PHONE,
}
