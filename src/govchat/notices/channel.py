"""Which channel says a notice: one pure function, and everything it looks at.

Cheapest first: a consultation message is free within 48 hours of the citizen's last interaction and billed until the seventh day; an
approved template goes by user id, else by telephone number; else nobody is told and the office sees it (docs/zalo.md; seen 2026).
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from govchat.notices.quiet import Quiet, next_morning
from govchat.tenants.trial import DAILY_LIMIT

FREE_FOR = timedelta(hours=48)
BILLED_FOR = timedelta(days=7)
# Zalo's clock and our queue: what is planned in the last minutes of a window may arrive after it.
MARGIN = timedelta(minutes=2)


class Channel(StrEnum):
    """The ways to a citizen, in the order in which they are tried."""

    CS = "cs"
    CS_PAID = "cs_paid"
    UID = "uid"
    PHONE = "phone"


class Offer(msgspec.Struct, frozen=True):
    """A template that can say this notice: its price in đồng, whether Zalo delivers it at night, or why it can't be used."""

    price: int = 0
    at_night: bool = True
    wrong: str | None = None
    spent: bool = False  # Zalo allows no more of it today


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides. Amounts are đồng; `budget_left` is this month's. `earliest` is now, or the end of a hold.

    `trial_left` is what testers may still be sent today, replies and all. `blocked` and `tried` name channels (`cs` stands for both
    kinds of consultation message). `uid`, `phone` None: no template is mapped.
    """

    now: datetime
    earliest: datetime
    tenant_state: str = "live"
    test: bool = False
    is_tester: bool = False
    trial_left: int = DAILY_LIMIT
    consented: bool = True
    objected: bool = False
    proof_holds: bool = True
    known_to_zalo: bool = True
    last_interaction: datetime | None = None
    paid_window: bool = False
    cs_price: int = 55
    uid: Offer | None = None
    phone: Offer | None = None
    phone_known: bool = False
    phone_consented: bool = False
    paying: bool = True
    budget_left: int = 0
    blocked: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()
    quiet: Quiet = Quiet()
    urgent: bool = False
    jitter: float = 0.0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided. `channel` None: nobody is told, for `reason`. `against` says what stood against each channel before it."""

    channel: Channel | None
    reason: str
    due_at: datetime | None = None
    cost: int = 0
    held: bool = False
    against: tuple[tuple[str, str], ...] = ()


def decide(case: Case) -> Decision:
    """The channel, the moment and the cost of one notice to one citizen."""
    refused = _nobody(case)
    if refused:
        return Decision(channel=None, reason=refused)
    against: list[tuple[str, str]] = []
    for channel in Channel:
        due, held = _when(case, channel)
        wrong = _wrong(case, channel, due)
        if wrong is None:
            reason = _REASONS[channel] + ("; held for the quiet hours" if held else "")
            return Decision(
                channel=channel,
                reason=reason,
                due_at=due,
                cost=cost_of(case, channel),
                held=held,
                against=tuple(against),
            )
        against.append((channel.value, wrong))
    return Decision(channel=None, reason="no channel is open", against=tuple(against))


_REASONS = {
    Channel.CS: "within 48 hours of the last interaction: free",
    Channel.CS_PAID: "between 48 hours and 7 days: the province pays",
    Channel.UID: "approved template to the user id",
    Channel.PHONE: "approved template to the telephone number, with consent",
}


def cost_of(case: Case, channel: Channel) -> int:
    """What Zalo bills for it, in đồng."""
    offer = {Channel.UID: case.uid, Channel.PHONE: case.phone}.get(channel)
    return case.cs_price if channel is Channel.CS_PAID else offer.price if offer else 0


def _nobody(case: Case) -> str | None:
    """Why nobody may be told at all: the first of these that holds."""
    trial = case.tenant_state == "trial" and not case.test
    against = (
        (case.tenant_state not in ("live", "trial"), f"the province is {case.tenant_state}"),
        (case.objected, "the citizen withdrew consent to status notices"),
        (not case.consented, "no consent to status notices"),
        (not case.proof_holds, "the dossier names another telephone number now: the proof has lapsed"),
        (trial and not case.is_tester, "on trial: the citizen is not on the list of testers"),
        (trial and case.trial_left <= 0, f"on trial: testers were sent {DAILY_LIMIT} messages today"),
    )
    return next((why for holds, why in against if holds), None)


def _wrong(case: Case, channel: Channel, due: datetime) -> str | None:
    """What stands against a channel, None when it is open."""
    shared = "cs" if channel is Channel.CS_PAID else channel.value
    if shared in case.tried:
        return "tried before"
    if channel is not Channel.PHONE and not case.known_to_zalo:
        return "known by telephone number alone"
    if shared in case.blocked:
        return "Zalo said that the citizen can't or won't be reached this way"
    closed = _window(case, channel, due) if shared == "cs" else _template(case, channel)
    return closed or _money(case, cost_of(case, channel))


def _money(case: Case, price: int) -> str | None:
    if price and not case.paying:
        return "paid messages rest: Zalo could not charge the account"
    if price > case.budget_left:
        return f"the month's budget has {max(case.budget_left, 0)} đồng left, {price} are needed"
    return None


def _window(case: Case, channel: Channel, due: datetime) -> str | None:
    if case.last_interaction is None:
        return "the citizen has never interacted"
    since = due + MARGIN - case.last_interaction
    if channel is Channel.CS:
        return None if since <= FREE_FOR else "the last interaction is more than 48 hours old when it is said"
    if since > BILLED_FOR:
        return "the last interaction is more than 7 days old when it is said"
    return None if case.paid_window else "the province does not pay for messages after 48 hours"


def _template(case: Case, channel: Channel) -> str | None:
    offer = case.uid if channel is Channel.UID else case.phone
    if offer is None:
        return "no template is mapped to this notice"
    if offer.wrong:
        return offer.wrong
    if channel is Channel.PHONE:
        if not case.phone_known:
            return "no telephone number is known"
        if not case.phone_consented:
            return "no consent to being written to by telephone number"
    return None


def _when(case: Case, channel: Channel) -> tuple[datetime, bool]:
    """When it goes out on this channel, and whether that is later for the night's sake.

    A template by user id arrives silently at night, so it need not wait. Urgent ones pass, where Zalo delivers at night at all.
    """
    offer = {Channel.UID: case.uid, Channel.PHONE: case.phone}.get(channel)
    if offer is not None and offer.spent:
        return next_morning(case.now, case.jitter), True
    rings = channel is not Channel.UID
    zalo_refuses = offer is not None and not offer.at_night and channel is Channel.PHONE
    if rings and (not case.urgent or zalo_refuses) and case.quiet.holds(case.earliest):
        return case.quiet.released(case.earliest, case.jitter), True
    if zalo_refuses and Quiet().holds(case.earliest):
        return Quiet().released(case.earliest, case.jitter), True
    return case.earliest, False
