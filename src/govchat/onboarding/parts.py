"""The files that may stand beside a manifest in `tenants/SLUG/`; each is read and written by the room that keeps what it says."""

from pathlib import Path

from govchat.conversation import wording_file
from govchat.conversation.wording_part import WORDING
from govchat.notices import templates_part, words_part
from govchat.notices.templates_part import TEMPLATES
from govchat.notices.words_part import NOTICES
from govchat.procedures import layer_file
from govchat.procedures.layer_part import PROCEDURES
from govchat.tenants.findings import Finding

# In the order in which they are applied.
PARTS = (WORDING, PROCEDURES, NOTICES, TEMPLATES)


def check_parts(home: Path) -> list[Finding]:
    """What is wrong in the files of one folder; needs no database."""
    return [
        found
        for part in (wording_file, layer_file, words_part, templates_part)
        for found in part.check(home / part.FILE)
    ]


def check_folders(folder: Path) -> list[Finding]:
    """`check_parts` of every tenant's folder below `folder`; what is hidden or put away is left out."""
    homes = sorted(home for home in folder.iterdir() if home.is_dir()) if folder.is_dir() else []
    return [found for home in homes if not home.name.startswith((".", "_")) for found in check_parts(home)]
