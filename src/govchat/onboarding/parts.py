"""The files that may stand beside a manifest in `tenants/SLUG/`; each is read and written by the room that keeps what it says."""

from govchat.conversation.wording_part import WORDING
from govchat.notices.templates_part import TEMPLATES
from govchat.notices.words_part import NOTICES
from govchat.procedures.layer_part import PROCEDURES

# In the order in which they are applied.
PARTS = (WORDING, PROCEDURES, NOTICES, TEMPLATES)
