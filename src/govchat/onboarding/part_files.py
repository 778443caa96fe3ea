"""What is wrong in the files beside the manifests, for `tenant check`: no database, and nothing loaded for a file that isn't there."""

from importlib import import_module
from pathlib import Path

from govchat.tenants.findings import Finding

# By whom each is read; `onboarding.parts` has the same rooms.
READERS = {
    "wording.toml": "govchat.conversation.wording_file",
    "procedures.toml": "govchat.procedures.layer_file",
    "notices.toml": "govchat.notices.words_part",
    "templates.toml": "govchat.notices.templates_part",
}


def check_parts(home: Path) -> list[Finding]:
    """What is wrong in the files of one folder."""
    found: list[Finding] = []
    for file, reader in READERS.items():
        if (home / file).exists():
            found += import_module(reader).check(home / file)
    return found


def check_folders(folder: Path) -> list[Finding]:
    """`check_parts` of every tenant's folder below `folder`; what is hidden or put away is left out."""
    homes = sorted(home for home in folder.iterdir() if home.is_dir()) if folder.is_dir() else []
    return [found for home in homes if not home.name.startswith((".", "_")) for found in check_parts(home)]
