"""The whole state of the false Zalo: apps, OAs, tokens, people, messages, limits, faults, counters.

The command line builds it from the tenants' manifests; the handlers of the three hosts, the courier of webhooks and the phone page
work on it. Everything lives in memory; `persist` writes what must survive a restart.
"""

import asyncio
import hashlib
import itertools
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from govchat.errors import ConfigurationError
from govchat.kit import clock
from govchat.simulator.faults import Faults
from govchat.simulator.limits import Meter
from govchat.simulator.people import CITIZENS, DAY, Citizen, Message, Person, long_id
from govchat.simulator.published import Articles
from govchat.simulator.quotas import Quotas
from govchat.simulator.refusals import Refusal
from govchat.simulator.stats import Stats
from govchat.simulator.templates import SAMPLES, Template
from govchat.simulator.tokens import TokenBook
from govchat.simulator.uploads import Uploads

WINDOW_SECONDS = 7 * DAY
KEPT_MESSAGES = 100_000
KEPT_EXCHANGES = 2_000
DEVELOPMENT_LADDER = (1.0, 5.0, 15.0, 30.0, 60.0)
ZALO_LADDER = (30.0, 300.0, 900.0, 1800.0, 3600.0)


@dataclass(slots=True)
class AppConfig:
    """A Zalo app. `webhook_url` empty: no webhooks. `callback_url` empty: any redirect_uri is taken, else it must be equal."""

    app_id: str
    app_secret: str
    oa_secret: str
    name: str
    webhook_url: str = ""
    requests_per_minute: int = 4000
    callback_url: str = ""


@dataclass(slots=True)
class OaConfig:
    """An Official Account, linked to one app. `oa_type` 4 is a state agency."""

    oa_id: str
    app_id: str
    name: str
    slug: str
    requests_per_minute: int = 2000
    refresh_token: str = ""
    oa_type: int = 4
    package_name: str = "Toàn diện"

    def __post_init__(self) -> None:
        self.refresh_token = self.refresh_token or f"dev-refresh:{self.oa_id}"


@dataclass(slots=True)
class Options:
    """How this Zalo behaves; the control API changes it while it runs. Seconds."""

    echo: bool = True  # oa_send_* after every send
    receipts: bool = True  # user_received_message after every send
    list_template: bool = True  # whether v3 takes the list template is uncertain
    webhook_timeout: float = 2.0
    ladder: tuple[float, ...] = DEVELOPMENT_LADDER
    ladder_scale: float = 1.0
    retry_on: str = "any"  # "any": every answer that is not 200; "connection": only an unreachable receiver


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange as the inspector shows it. `way` is `send` (the OA called us) or `webhook` (we called the app)."""

    way: str
    at: int
    oa_id: str
    user_id: str
    title: str
    request: str
    headers: Mapping[str, str]
    body: str
    status: int
    answer: str
    ms: float

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class World:
    """See the module. `citizens` are the people one can be on the phone page; `admin_phones` may get development templates."""

    apps: list[AppConfig]
    oas: list[OaConfig]
    citizens: tuple[Citizen, ...] = CITIZENS
    admin_phones: frozenset[str] = frozenset({"84900000111"})
    options: Options = field(default_factory=Options)
    faults: Faults = field(default_factory=Faults)
    stats: Stats = field(default_factory=Stats)
    uploads: Uploads = field(default_factory=Uploads)
    quotas: Quotas = field(default_factory=Quotas)
    articles: Articles = field(default_factory=Articles)
    app_by_id: dict[str, AppConfig] = field(init=False)
    oa_by_id: dict[str, OaConfig] = field(init=False)
    oa_by_slug: dict[str, OaConfig] = field(init=False)
    tokens: TokenBook = field(init=False)
    app_meters: dict[str, Meter] = field(init=False)
    oa_meters: dict[str, Meter] = field(init=False)
    people: dict[str, dict[str, Person]] = field(init=False)
    seeded: dict[str, list[tuple[int, float]]] = field(init=False)
    exchanges: deque[Exchange] = field(default_factory=lambda: deque(maxlen=KEPT_EXCHANGES))
    zbs_sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed_templates: dict[tuple[str, str], Template] = field(default_factory=dict)
    base_url: str = ""  # where the simulator answers; media of citizens are served from there
    dirty: bool = False
    _messages: deque[Message] = field(default_factory=deque)
    _greetings: dict[str, str] = field(default_factory=dict)
    _listeners: dict[tuple[str, str], set[asyncio.Queue[tuple[str, Any]]]] = field(default_factory=dict)
    _citizens: dict[str, dict[str, Citizen]] = field(init=False)
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)
    _life: str = field(init=False)

    def __post_init__(self) -> None:
        self.app_by_id, self.app_meters = {}, {}
        self.oa_by_id, self.oa_by_slug, self.oa_meters = {}, {}, {}
        self.people, self.seeded, self._citizens = {}, {}, {}
        self.tokens = TokenBook({}, {})
        apps, oas = self.apps, self.oas
        self.apps, self.oas = [], []
        for app in apps:
            self.open_app(app)
        for oa in oas:
            if oa.oa_id in self.oa_by_id or oa.slug in self.oa_by_slug:
                raise ConfigurationError("two OAs given to the simulator share an oa_id or a slug: each needs its own")
            self.open_oa(oa)
        self._life = f"{int(self.now() * 1000):x}"

    def now(self) -> float:
        """Unix seconds on the house's clock."""
        return clock.now().timestamp()

    def open_app(self, app: AppConfig) -> None:
        """Let there be an app."""
        self.apps.append(app)
        self.app_by_id[app.app_id] = app
        self.app_meters[app.app_id] = Meter(app.requests_per_minute)

    def open_oa(self, oa: OaConfig) -> None:
        """Let there be an OA; its slug leads to it from now on. Raises `ConfigurationError`."""
        app = self.app_by_id.get(oa.app_id)
        if app is None:
            raise ConfigurationError(f'OA {oa.slug}: app_id "{oa.app_id}" is none of the apps given to the simulator')
        self.oas.append(oa)
        self.oa_by_id[oa.oa_id] = self.oa_by_slug[oa.slug] = oa
        self.tokens.keys[oa.oa_id] = hashlib.sha256(f"tokens:{app.app_secret}".encode()).digest()
        self.tokens.first[oa.oa_id] = oa.refresh_token
        self.oa_meters[oa.oa_id] = Meter(oa.requests_per_minute)
        self.people[oa.oa_id], self.seeded[oa.oa_id] = {}, []
        self._citizens[oa.oa_id] = {self.user_id_of(oa.oa_id, one.key): one for one in self.citizens}

    def oa(self, oa: str) -> OaConfig:
        """The OA with this id or slug. Raises `KeyError`."""
        return self.oa_by_id.get(oa) or self.oa_by_slug[oa]

    def template(self, oa_id: str, template_id: str) -> Template | None:
        """The OA's template of that id, as it stands now."""
        return self.changed_templates.get((oa_id, template_id)) or SAMPLES.get(template_id)

    def templates(self, oa_id: str) -> list[Template]:
        """All of the OA's templates."""
        return [self.changed_templates.get((oa_id, one.id), one) for one in SAMPLES.values()]

    def message_id(self) -> str:
        return f"{self._life}{next(self._serial):08x}"

    # People ----------------------------------------------------------------------------------------------------------

    def user_id_of(self, oa_id: str, citizen_key: str) -> str:
        """The OA-scoped id of a test citizen of the phone page."""
        return long_id("user", oa_id, citizen_key)

    def find(self, oa_id: str, user_id: str) -> Person | None:
        """The person this OA knows by `user_id`; seeded and development followers come into being when first asked for."""
        person = self.people[oa_id].get(user_id)
        if person is None and (user_id.startswith("dev-") or user_id in self._citizens[oa_id]):
            person = self._materialise(oa_id, user_id)
        return person

    def person(self, oa_id: str, user_id: str) -> Person:
        """The person, made on first sight: for acts of citizens, not for sends."""
        return self.find(oa_id, user_id) or self._add(oa_id, user_id, "", "")

    def seed(self, oa_id: str, count: int, said: str = "") -> None:
        """Let `dev-<slug>-1…count` be followers who interacted just now. Costs nothing until they are written to.

        `said` is what whoever comes into being from now on wrote when they interacted.
        """
        now = self.now()
        self._greetings[oa_id] = said
        self.seeded[oa_id].append((count, now))
        prefix = f"dev-{self.oa_by_id[oa_id].slug}-"
        for person in self.people[oa_id].values():
            number = person.user_id.removeprefix(prefix)
            if number != person.user_id and number.isdecimal() and 1 <= int(number) <= count:
                person.follows, person.unfollowed, person.last_interaction = True, False, now
        self.dirty = True

    def be_born(self, oa_id: str, up_to: int) -> None:
        """Bring the first seeded followers into being, so that they can be listed."""
        count = min(up_to, max((count for count, _ in self.seeded[oa_id]), default=0))
        for number in range(1, count + 1):
            self.find(oa_id, f"dev-{self.oa_by_id[oa_id].slug}-{number}")

    def followers(self, oa_id: str) -> int:
        """How many follow: everyone known, and those seeded who never came into being."""
        known = sum(1 for person in self.people[oa_id].values() if person.follows)
        prefix = f"dev-{self.oa_by_id[oa_id].slug}-"
        seeded = max((count for count, _ in self.seeded[oa_id]), default=0)
        born = sum(1 for person in self.people[oa_id].values() if person.user_id.startswith(prefix))
        return known + max(0, seeded - born)

    def reachable(self, oa_id: str, user_id: str, field_name: str) -> Person:
        """The recipient of a send. Raises `Refusal` when nobody there can be written to at all."""
        person = self.find(oa_id, user_id)
        if person is None:
            raise Refusal(-201, f"{field_name} is invalid")
        if person.banned:
            raise Refusal(-227)
        if person.blocked:
            raise Refusal(-244)
        if person.unfollowed:
            raise Refusal(-213)
        return person

    def window_open(self, person: Person, now: float) -> None:
        """Raises `Refusal` -232 (never interacted) or -230 (more than 7 days ago)."""
        if person.last_interaction is None:
            raise Refusal(-232)
        if now - person.last_interaction > WINDOW_SECONDS:
            raise Refusal(-230)

    # What was said ---------------------------------------------------------------------------------------------------

    def record(self, person: Person, message: Message) -> None:
        """Keep a bubble and show it to whoever looks on."""
        person.keep(message)
        self._messages.append(message)
        if len(self._messages) > KEPT_MESSAGES:
            self._forget(self._messages.popleft())
        self.dirty = True
        key = (message.oa_id, message.user_id)
        if key in self._listeners:
            self.publish(*key, "message", message.shown())

    def watched(self, oa_id: str, user_id: str) -> bool:
        """Whether the inspector wants this person's exchanges: not those of a load test's followers, unless somebody looks."""
        return not user_id.startswith("dev-") or (oa_id, user_id) in self._listeners

    def exchanged(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        key = (exchange.oa_id, exchange.user_id)
        if key in self._listeners:
            self.publish(*key, "exchange", exchange.shown())

    def listen(self, oa_id: str, user_id: str) -> "asyncio.Queue[tuple[str, Any]]":
        """A queue of ("message" | "exchange" | "person" | "seen", what) about one person. Give it back with `hush`."""
        queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._listeners.setdefault((oa_id, user_id), set()).add(queue)
        return queue

    def hush(self, oa_id: str, user_id: str, queue: "asyncio.Queue[tuple[str, Any]]") -> None:
        queues = self._listeners.get((oa_id, user_id), set())
        queues.discard(queue)
        if not queues:
            self._listeners.pop((oa_id, user_id), None)

    def publish(self, oa_id: str, user_id: str, kind: str, what: Any) -> None:
        for queue in self._listeners.get((oa_id, user_id), ()):
            queue.put_nowait((kind, what))

    def everyone_listening(self) -> Iterable["asyncio.Queue[tuple[str, Any]]"]:
        return list(itertools.chain.from_iterable(self._listeners.values()))

    def remember_zbs(self, message_id: str, sent: dict[str, Any]) -> None:
        """Keep what `GET /message/status` asks for; the oldest are forgotten."""
        self.zbs_sent[message_id] = sent
        if len(self.zbs_sent) > KEPT_MESSAGES:
            del self.zbs_sent[next(iter(self.zbs_sent))]

    def messages(self, oa_id: str, user_id: str = "") -> list[Message]:
        """Bubbles kept, oldest first: of one person, or of all the OA talks with."""
        if user_id:
            person = self.people[oa_id].get(user_id)
            return list(person.messages) if person else []
        return [message for message in self._messages if message.oa_id == oa_id]

    def take_up(self, messages: Iterable[Message]) -> None:
        """Continue with the bubbles of an earlier life."""
        self._messages.extend(messages)

    def _forget(self, message: Message) -> None:
        person = self.people[message.oa_id].get(message.user_id)
        if person and person.messages and person.messages[0] is message:
            del person.messages[0]

    def _add(self, oa_id: str, user_id: str, name: str, phone: str, by_app_of: str = "") -> Person:
        by_app = long_id("app", self.oa_by_id[oa_id].app_id, by_app_of or user_id)
        person = Person(oa_id, user_id, by_app, name, phone)
        self.people[oa_id][user_id] = person
        return person

    def _materialise(self, oa_id: str, user_id: str) -> Person | None:
        citizen = self._citizens[oa_id].get(user_id)
        if citizen:
            return self._add(oa_id, user_id, citizen.name, citizen.phone, citizen.key)
        number = user_id.removeprefix(f"dev-{self.oa_by_id[oa_id].slug}-")
        if number == user_id or not number.isdecimal():
            return None
        # A load test brings a million of these into being: they get no strings of their own.
        person = self.people[oa_id][user_id] = Person(oa_id, user_id, user_id)
        for count, at in self.seeded[oa_id]:
            if 1 <= int(number) <= count:
                person.follows, person.last_interaction = True, at
                if said := self._greetings.get(oa_id):
                    greeting = Message(self.message_id(), oa_id, user_id, False, "text", said, int(at * 1000))
                    person.messages.append(greeting)
                    person.spoken += 1
        return person
