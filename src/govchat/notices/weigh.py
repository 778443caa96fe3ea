"""One change, one follower, one province's policy: put on the scales of `channel.decide`, and the message that follows."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from govchat.citizens.consent import phone_context
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import overlaid, phrases
from govchat.notices import fit
from govchat.notices.budget import Purse
from govchat.notices.change import Change
from govchat.notices.channel import Case, Channel, Decision, Offer, decide
from govchat.notices.facts import Facts, cut, facts_of
from govchat.notices.kinds import CAUSED_BY_CHAT, URGENT, Kind
from govchat.notices.people import Person
from govchat.notices.policy import Policy
from govchat.notices.quiet import jitter_of
from govchat.notices.wording import fill
from govchat.zalo import messages, templates
from govchat.zalo.outgoing import Outgoing

# Changes of one dossier within a minute become one notice.
ONE_NOTICE_A = timedelta(minutes=1)
# Whoever caused a change in the chat and spoke this recently knows of it.
A_MOMENT = timedelta(minutes=10)


class Said(msgspec.Struct, frozen=True):
    """A change in words, made once for all its followers."""

    change: Change
    kind: Kind
    version: int
    text: str
    template_id: str | None
    uid: Offer | None
    phone: Offer | None
    data: dict[str, str]
    buttons: tuple[messages.Button, ...]
    merged: tuple[int, ...] = ()


def say(policy: Policy, change: Change, kind: Kind, merged: tuple[int, ...] = ()) -> Said:
    """The words of a change, and what a template would carry."""
    with overlaid(policy.phrases):
        facts = facts_of(change)
        version, wording = policy.words(kind)
        use, uid, phone, data = _template(policy, kind, facts)
        words = cut(fill(wording, facts.said), messages.TEXT_LIMIT)
        template_id = use.template_id if use else None
        return Said(change, kind, version, words, template_id, uid, phone, data, _buttons(change.code), merged)


def _buttons(code: str) -> tuple[messages.Button, ...]:
    """What a citizen may tap below the words; the payloads are sentences that the conversation reads like typed ones."""
    words = phrases(fit.ROOM)
    return (
        messages.query(words["button_show"], f"tra cứu {code}"),
        messages.query(words["button_end"], f"hủy nhận thông báo {code}"),
    )


def _template(
    policy: Policy, kind: Kind, facts: Facts
) -> tuple[fit.Use | None, Offer | None, Offer | None, dict[str, str]]:
    """The first template that can say it now; while a kind's own waits for Zalo's review, the one for every kind stands in."""
    offered = [(use, *fit.offers(use, facts)) for use in policy.templates(kind)]
    usable = (each for each in offered if any(offer is not None and offer.wrong is None for offer in each[1:3]))
    return next(usable, offered[0] if offered else (None, None, None, {}))


def weigh(
    policy: Policy,
    said: Said,
    person: Person,
    *,
    now: datetime,
    purse: Purse | None,
    test: bool,
    tried: frozenset[str] = frozenset(),
) -> tuple[Case, Decision]:
    """What is decided for one follower. `purse` None: money is not looked at yet."""
    case = _case(policy, said, person, now, purse, test, tried)
    known = _knows(said, person, now)
    return case, (Decision(channel=None, reason=known) if known else decide(case))


def _case(
    policy: Policy, said: Said, person: Person, now: datetime, purse: Purse | None, test: bool, tried: frozenset[str]
) -> Case:
    change = said.change
    held = person.last_said + ONE_NOTICE_A if person.last_said else now
    phone = said.phone
    if phone is not None and policy.daily_left == 0:
        phone = msgspec.structs.replace(phone, spent=True)
    return Case(
        now=now,
        earliest=now if tried else max(now, min(held, now + ONE_NOTICE_A)),
        tenant_state=policy.state,
        test=test,
        is_tester=person.is_tester,
        trial_left=1 if purse is None or tried or person.waiting else purse.trial_left,
        consented=person.consent == "granted",
        objected=person.consent == "withdrawn",
        proof_holds=person.how != "phone"
        or (change.phone_index is not None and person.proof_hash == change.phone_index),
        known_to_zalo=person.known_to_zalo,
        last_interaction=person.last_interaction,
        paid_window=policy.paid_window,
        cs_price=policy.cs_price,
        uid=said.uid,
        phone=phone,
        phone_known=person.phone_sealed is not None,
        phone_consented=person.phone_consent == "granted",
        paying=policy.paying,
        budget_left=policy.monthly_budget if purse is None else purse.left,
        blocked=person.blocked,
        tried=tried,
        quiet=policy.quiet,
        urgent=URGENT in change.flags,
        jitter=jitter_of(person.citizen_id.bytes, now.astimezone(VN).date()),
    )


def _knows(said: Said, person: Person, now: datetime) -> str | None:
    """Why this citizen needs no telling: they did it themselves."""
    if person.hushed_until is not None and person.hushed_until > now:
        return "the citizen caused it in the chat a moment ago"
    recent = person.last_interaction is not None and now - person.last_interaction < A_MOMENT
    if CAUSED_BY_CHAT in said.change.flags and recent:
        return "it was caused in the chat, where the citizen spoke a moment ago"
    return None


def message_of(vault: TenantVault, said: Said, person: Person, channel: Channel, tracking_id: str) -> Outgoing:
    """The message for a channel; `tracking_id` comes back in receipts of messages by telephone number."""
    match channel:
        case Channel.UID:
            return templates.by_uid(person.zalo_user_id, said.template_id or "", said.data)
        case Channel.PHONE:
            assert person.phone_sealed is not None
            number = vault.open(person.phone_sealed, phone_context(person.citizen_id)).decode()
            return templates.by_phone(number, said.template_id or "", said.data, tracking_id)
        case _:
            return messages.text(person.zalo_user_id, said.text, said.buttons)


def record_of(case: Case, decision: Decision, said: Said, person: Person) -> dict[str, Any]:
    """The decision for the notice's row: everything that was looked at, without words, names or numbers."""
    hours = None if case.last_interaction is None else (case.now - case.last_interaction).total_seconds() / 3600
    return {
        "consent": person.consent or "none",
        "followed_by": person.how,
        "proof_holds": case.proof_holds,
        "hours_since_interaction": None if hours is None else round(hours, 2),
        "paid_window": case.paid_window,
        "quiet_hours": f"{case.quiet.starts:%H:%M}-{case.quiet.ends:%H:%M}",
        "urgent": case.urgent,
        "held": decision.held or case.earliest > case.now,
        "held_for_minute": case.earliest > case.now,
        "budget_left": case.budget_left,
        "cost": decision.cost,
        "blocked": sorted(case.blocked),
        "tenant_state": case.tenant_state,
        "against": [list(pair) for pair in decision.against],
        "merged": list(said.merged),
        "template_id": said.template_id if decision.channel in (Channel.UID, Channel.PHONE) else None,
        "wording_version": said.version,
    }
