"""Which moves of a dossier the law knows, and what is said of one that it does not.

The system of record is never contradicted: whatever it tells is kept. What does not fit is flagged on the event and on the dossier and
counted (`govchat_dossier_flags_total`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from govchat.dossiers.status import STATUSES

# From → to. Registered: accepted, refused, to be completed, to be paid, withdrawn. Results may be handed over on the spot (2 → 10); what
# was stopped may be resumed; fees may fall due when the result is ready (9 → 6). Refusal, withdrawal and hand-over end a dossier.
LAWFUL: Mapping[int, frozenset[int]] = MappingProxyType(
    {
        1: frozenset({2, 3, 5, 6, 7}),
        2: frozenset({4, 5, 6, 7, 8, 9, 10}),
        3: frozenset(),
        4: frozenset({5, 6, 7, 8, 9, 10}),
        5: frozenset({2, 3, 4, 6, 7, 8}),
        6: frozenset({2, 4, 5, 7, 8, 9, 10}),
        7: frozenset(),
        8: frozenset({4, 7}),
        9: frozenset({6, 10}),
        10: frozenset(),
    }
)

# A decision against the applicant or one that asks something of them is nothing without its reason (forms 02, 03 and 05).
NEEDS_REASON = frozenset({3, 5, 8})

UNLAWFUL = "unlawful"  # a move that LAWFUL does not hold
REASON_MISSING = "reason_missing"
ACCEPTED_LATE = "accepted_late"  # registered, then not accepted within the time for checking
REAPPOINTED = "reappointed"  # a later appointment than the one promised
REAPPOINTED_AGAIN = "reappointed_again"  # which the law allows only once
APOLOGY_LATE = "apology_late"  # less than a day before the promised appointment
EARLY, LATE = "early", "late"  # how the result stands to the appointment
OVERDUE = "overdue"
MOVED = "moved"  # another office has it now, its status is the same
UNKNOWN_PROCEDURE = "unknown_procedure"  # not in the catalogue: kept, without a name and a computed appointment

# What stays on the dossier, so that an office can list what to look into; the others belong to their event alone.
IRREGULAR = frozenset({UNLAWFUL, REASON_MISSING, REAPPOINTED_AGAIN, APOLOGY_LATE})

# What one-stop systems hear of (`dossier.flagged`); an early result and a first new appointment are as they should be.
TOLD = IRREGULAR | {ACCEPTED_LATE, LATE, OVERDUE, UNKNOWN_PROCEDURE}


def is_lawful(old: int, new: int) -> bool:
    """Whether a dossier may go from one national status to the other; staying is always allowed."""
    return old == new or new in LAWFUL[old]


def of_move(old: int | None, new: int, note: str | None) -> set[str]:
    """The flags of a move itself. Where a dossier comes in, any status is believed: it may have lived elsewhere before."""
    flags = set()
    if old is not None and not is_lawful(old, new):
        flags.add(UNLAWFUL)
    if new in NEEDS_REASON and old != new and not (note or "").strip():
        flags.add(REASON_MISSING)
    return flags


def ends_pause(old: int | None, new: int) -> bool:
    """Whether the time limit, which stood still, does not stand still for the same reason any more."""
    return old is not None and old != new and STATUSES[old].paused
