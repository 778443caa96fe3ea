"""The list that checks the files beside a manifest names the same rooms as the list that applies them."""

from govchat.onboarding.part_files import READERS
from govchat.onboarding.parts import PARTS


def test_what_is_applied_is_checked() -> None:
    assert list(READERS) == [part.file for part in PARTS]
