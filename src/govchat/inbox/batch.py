"""Working off what citizens of many provinces said, a batch in few round trips: look, step, look up, take tokens, apply.

Steps run on what one read brought; nothing is written and no lock is held until `inbox_apply`, which stores a citizen's state, answers
and done events together, or nothing when another process was faster. A citizen whose step must write more than that, or fails, is
left to `alone`.
"""

from collections.abc import Container, Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from govchat.citizens.know import Citizen
from govchat.conversation import state as states
from govchat.conversation.asks import Ask, LookUp
from govchat.conversation.context import Context
from govchat.conversation.desk import Desk
from govchat.conversation.engine import Talk, talk
from govchat.conversation.events import Answer, LookedUp
from govchat.conversation.perform import answer
from govchat.conversation.wording import spoken_in
from govchat.dossiers import lookup
from govchat.errors import DomainError
from govchat.inbox import alone
from govchat.inbox.keys import reply_key
from govchat.inbox.meaning import Meant, asks_for_bot, meaning, told_what_is_not_kept
from govchat.inbox.put import body_context
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.outbox.claim import Claimed
from govchat.outbox.put import Lane, echo_hash
from govchat.outbox.put import body_context as message_context
from govchat.tenants.registry import Tenant
from govchat.zalo import events, messages

log = structlog.get_logger()

CITIZENS_AT_ONCE = 16
EVENTS_AT_ONCE = 10

LOOK = "SELECT * FROM inbox_look($1, $2, $3)"
APPLY = (
    "SELECT * FROM inbox_apply($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
)


class Mouth(Protocol):
    """Whoever sends: answers may be handed over with their tokens instead of being claimed later."""

    worker: UUID

    async def reserve(self, wants: Sequence[tuple[Tenant, int]]) -> list[int]:
        """Tokens and slots for that many replies of each tenant, now; fewer or none when there are no more."""

    def adopt(self, tenant: Tenant, claimed: Sequence[Claimed], *, reserved: int) -> None:
        """Send these, which are `sending` in this worker's name; what was reserved beyond them goes back."""


class Shy(Exception):
    """This citizen's events need a transaction of their own."""


class Said(msgspec.Struct):
    """One message of an answer, with its final id, sealed."""

    id: UUID
    event_id: UUID
    number: int
    received_at: Any
    body: bytes
    hash: bytes


class Party:
    """One citizen's due events, and what came of them."""

    def __init__(self, tenant: Tenant, vault: TenantVault, rows: list[Any]) -> None:
        first = rows[0]
        self.tenant = tenant
        self.vault = vault
        self.rows = rows
        self.user_id: str = first["user_id"]
        self.citizen = Citizen(first["citizen_id"] or new_id(), self.user_id, first["phone_index"])
        self.before = self.state = states.load(first["state"])
        self.meant: list[Meant] = []
        self.said: list[Said] = []
        self.answers: list[tuple[str, int]] = []

    def hold(self, context: Context, assets_url: str, *, reads_pictures: bool) -> Talk:
        """All its events, one after the other, as one talk. Raises `Shy` before anything that `alone` must do."""
        for row in self.rows:
            event = events.decode(self.vault.open(row["body_sealed"], body_context(row["id"])))
            meant = meaning(self.tenant, event, alone.plausible(row["occurred_at"]))
            if meant is None:
                continue
            if meant.phone or (meant.picture and reads_pictures) or self.tenant.state == "trial":
                raise Shy
            self.meant.append(meant)
            if meant.happened is None or not self.tenant.speaks:
                continue
            if row["news"] and meant.happened is not None:  # an office answered while nothing could be said
                raise Shy
            if row["muted"]:  # an officer has the word
                if asks_for_bot(meant.happened) or told_what_is_not_kept(meant.happened, context):
                    raise Shy
                continue
            decided = yield from talk(
                self.state, meant.happened, context, vault=self.vault, user_id=self.user_id, assets_url=assets_url
            )
            self.state = decided.state
            for number, message in enumerate(decided.messages):
                self._say(row, number, message)
            if decided.messages:
                self.answers.append((event.event_name, len(decided.messages)))
        return None  # type: ignore[return-value]  # nobody reads it

    def _say(self, row: Any, number: int, message: messages.CsMessage) -> None:
        message_id = new_id()
        body = self.vault.seal(messages.encode(message), message_context(message_id))
        hashed = echo_hash(self.vault, message.plain_text)
        self.said.append(Said(message_id, row["id"], number, row["received_at"], body, hashed))


class Worked(msgspec.Struct):
    """What one batch did for one tenant: events worked off, answers put, how many of them wait to be claimed, whether there may be more,
    whether others are at it."""

    events: int = 0
    answers: int = 0
    queued: int = 0
    more: bool = False
    held: bool = False
    alone: tuple[str, ...] = ()


async def work_off(
    desk: Desk, tenants: Sequence[Tenant], mouth: Mouth | None, *, without: Container[tuple[UUID, str]] = ()
) -> dict[UUID, Worked]:
    """One batch over these tenants, each with its longest waiting citizens; those named in `alone` are left to the caller, those in
    `without` (tenant, user id) are being worked off already."""
    worked = {tenant.id: Worked() for tenant in tenants}
    parties = await _look(desk, tenants, worked, without)
    held = await _hold(desk, parties, worked)
    if held:
        await _apply(desk, held, worked, mouth)
    return worked


async def _look(
    desk: Desk, tenants: Sequence[Tenant], worked: dict[UUID, Worked], without: Container[tuple[UUID, str]]
) -> list[Party]:
    by_id = {tenant.id: tenant for tenant in tenants}
    rows = await desk.registry.db.rows(LOOK, list(by_id), CITIZENS_AT_ONCE, EVENTS_AT_ONCE)
    grouped: dict[tuple[UUID, str], list[Any]] = {}
    for row in rows:
        grouped.setdefault((row["tenant_id"], row["user_id"]), []).append(row)
    parties = []
    for (tenant_id, user_id), found in grouped.items():
        if (tenant_id, user_id) in without:
            continue
        one = worked[tenant_id]
        one.more = one.more or len(found) == EVENTS_AT_ONCE
        due = found[: next((place for place, row in enumerate(found) if row["waits"]), len(found))]
        if not due:
            continue
        if any(row["attempts"] for row in due):  # it failed before: where failures are found out
            one.alone += (user_id,)
            continue
        try:
            vault = await desk.registry.tenant_vault(tenant_id)
        except DomainError as error:  # its key is gone or can't be read now: the others are worked off
            log.warning("inbox.no_key", tenant=by_id[tenant_id].slug, reason=error.code)
            continue
        parties.append(Party(by_id[tenant_id], vault, due))
    for tenant_id, one in worked.items():
        one.more = one.more or sum(key[0] == tenant_id for key in grouped) == CITIZENS_AT_ONCE
    return parties


async def _hold(desk: Desk, parties: list[Party], worked: dict[UUID, Worked]) -> list[Party]:
    """Run all talks side by side; answers those that came to an end."""
    now = clock.now()
    ended: list[Party] = []
    asking: list[tuple[Party, Talk, Ask]] = []

    def go_on(party: Party, held: Talk, told: Answer | None) -> None:
        try:
            with spoken_in(desk.words(party.tenant.id)):
                asking.append((party, held, next(held) if told is None else held.send(told)))
        except StopIteration:
            ended.append(party)
        except Exception:  # `Shy`, or an event that breaks: alone it is tried again, and noted when it fails there
            worked[party.tenant.id].alone += (party.user_id,)

    await desk.prepare({party.tenant.id: party.tenant for party in parties}.values())
    for party in parties:
        context = desk.context(party.tenant, now)
        held = party.hold(context, desk.registry.assets_url, reads_pictures=desk.http is not None)
        go_on(party, held, None)
    while asking:
        round_, asking = asking, []
        found = await _glance(desk, round_)
        for (party, held, _), told in zip(round_, found, strict=True):
            if told is None:
                worked[party.tenant.id].alone += (party.user_id,)
            else:
                go_on(party, held, told)
    return ended


async def _glance(desk: Desk, asking: Sequence[tuple[Party, Talk, Ask]]) -> list[Answer | None]:
    """The answers to each question; None where answering has to be written down."""
    bare = [
        [
            lookup.Asked(party.tenant.id, party.vault, party.citizen, key, desk.book.of(party.tenant.id))
            for key in ask.codes
        ]
        if isinstance(ask, LookUp) and not ask.secret
        else []
        for party, _, ask in asking
    ]
    flat = [one for some in bare for one in some]
    seen = iter(await lookup.glance(desk.registry.db, flat, clock.now()) if flat else ())
    found = [[(one.key, next(seen)) for one in some] for some in bare]
    return [
        LookedUp(tuple(answer(key, one) for key, one in some if one is not None))
        if some and all(one is not None for _, one in some)
        else None
        for some in found
    ]


async def _apply(desk: Desk, parties: list[Party], worked: dict[UUID, Worked], mouth: Mouth | None) -> None:
    """Store everything in one call; hand over what is `sending` already."""
    reserved = await _reserve(parties, mouth) if mouth is not None else {}
    left = dict(reserved)
    claims: list[bool] = []
    for party in parties:
        mine = left.get(party.tenant.id, 0) >= len(party.said)
        if mine:
            left[party.tenant.id] = left.get(party.tenant.id, 0) - len(party.said)
        claims += [mine] * len(party.said)
    applied: Iterable[Any] = ()
    try:
        applied = await desk.registry.db.rows(APPLY, *_arguments(parties, claims, mouth))
    finally:
        done = {row["place"]: row for row in applied}
        adopted: dict[UUID, list[Claimed]] = {}
        for place, party in enumerate(parties, 1):
            row = done.get(place)
            if row is not None:
                _applied(desk, party, worked[party.tenant.id])
                sending = set(row["claimed"])
                worked[party.tenant.id].queued += len(party.said) - len(sending)
                adopted.setdefault(party.tenant.id, []).extend(
                    _claimed(one, row["citizen_id"]) for one in party.said if one.id in sending
                )
            else:
                worked[party.tenant.id].held = True
        if mouth is not None:
            for tenant_id, count in reserved.items():
                tenant = next(party.tenant for party in parties if party.tenant.id == tenant_id)
                mouth.adopt(tenant, adopted.get(tenant_id, ()), reserved=count)


async def _reserve(parties: list[Party], mouth: Mouth) -> dict[UUID, int]:
    wants: dict[UUID, tuple[Tenant, int]] = {}
    for party in parties:
        if party.said:
            wants[party.tenant.id] = (party.tenant, wants.get(party.tenant.id, (party.tenant, 0))[1] + len(party.said))
    granted = await mouth.reserve(list(wants.values()))
    return dict(zip(wants, granted, strict=True))


def _arguments(parties: list[Party], claims: list[bool], mouth: Mouth | None) -> tuple[Any, ...]:
    """The arrays of `inbox_apply`."""
    by_app = [next((m.by_app for m in reversed(party.meant) if m.by_app), None) for party in parties]
    interacted = [max((m.interacted_at for m in party.meant if m.interacted_at), default=None) for party in parties]
    follow = [next((m for m in reversed(party.meant) if m.follows is not None), None) for party in parties]
    kept = [None if party.state == party.before else _dumped(party.state) for party in parties]
    happened = [(place, row["id"]) for place, party in enumerate(parties, 1) for row in party.rows]
    said = [(place, one) for place, party in enumerate(parties, 1) for one in party.said]
    return (
        mouth.worker if mouth is not None else None,
        [party.tenant.id for party in parties],
        [party.user_id for party in parties],
        [party.citizen.id for party in parties],
        by_app,
        interacted,
        [one.follows if one else None for one in follow],
        [one.occurred_at if one else None for one in follow],
        kept,
        [place for place, _ in happened],
        [event_id for _, event_id in happened],
        [place for place, _ in said],
        [one.id for _, one in said],
        claims,
        [reply_key(one.event_id, one.number) for _, one in said],
        [f"event:{one.event_id}" for _, one in said],
        [one.received_at for _, one in said],
        [one.body for _, one in said],
        [one.hash for _, one in said],
    )


def _dumped(state: states.State) -> str:
    return msgspec.json.encode(states.dump(state)).decode()


def _applied(desk: Desk, party: Party, worked: Worked) -> None:
    worked.events += len(party.rows)
    worked.answers += len(party.said)
    alone.worked([row["received_at"] for row in party.rows])
    for event_name, count in party.answers:
        alone.answered(desk.registry, party.tenant, event_name, party.user_id, count)


def _claimed(one: Said, citizen_id: UUID) -> Claimed:
    return Claimed(one.id, int(Lane.REPLY), citizen_id, one.body, 1, one.received_at, one.received_at)
