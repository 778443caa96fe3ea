"""Who gets a message: the one pure function that decides by the province's state, the cause and the recipient.

Facts come in (`testers` reads them), a verdict goes out; whoever puts or sends messages obeys it. In trial only listed testers are
written to; what a test key causes never reaches Zalo; magic recipients are refused the way Zalo would refuse.
"""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from govchat.kit import clock
from govchat.kit.phrases import fill
from govchat.zalo.codes import OA_CODES, ZBS_CODES, Host
from govchat.zalo.errors import ConnectFailed, HttpRefused, OutcomeUnknown, ZaloError
from govchat.zalo.judge import error_from

DAILY_LIMIT = 50  # messages to testers, a day in Vietnam

# Zalo's ids are 64-bit numbers, and no telephone number of Vietnam begins with 010: neither can belong to a person.
MAGIC_USER = "999000000000"  # and seven digits
MAGIC_PHONE = "84100"  # and six digits; 0100… as people write it
# The digits after the prefix: Zalo's code without its sign, all 0 for a success, or one of these for a failure on the road.
ROAD: dict[int, type[ZaloError]] = {900_001: ConnectFailed, 900_002: OutcomeUnknown, 900_003: HttpRefused}

SIMULATED = "simulated by govchat, nothing was sent to Zalo"


class Act(StrEnum):
    """What is to be done with a message."""

    SEND = "send"
    SIMULATE = "simulate"  # record as skipped, with the outcome that Zalo would have given
    DECLINE = "decline"  # send the polite line instead
    SKIP = "skip"  # record as skipped


class Why(StrEnum):
    """The reason of a verdict, as messages are explained by."""

    LIVE = "live"
    TESTER = "tester"
    TEST_KEY = "test_key"
    MAGIC_RECIPIENT = "magic_recipient"
    STATE = "state"
    NOT_A_TESTER = "not_a_tester"
    ALREADY_DECLINED = "already_declined"
    DAILY_LIMIT = "daily_limit"


class Simulated(msgspec.Struct, frozen=True):
    """What a magic recipient stands for: Zalo's `code`, or the name of a failure on the road; neither for a success."""

    host: Host
    code: int | None = None
    road: str | None = None

    def error(self) -> ZaloError | None:
        """The exception that Zalo's client would have raised, None for a success."""
        if self.code is not None:
            return error_from(self.host, self.code, SIMULATED)
        return {kind.__name__: kind for kind in ROAD.values()}[self.road](SIMULATED) if self.road else None


class Verdict(msgspec.Struct, frozen=True):
    """What to do and why. `outcome` goes with `SIMULATE` alone."""

    act: Act
    why: Why
    outcome: Simulated | None = None


def may_send(
    state: str,
    *,
    recipient: str,
    from_test_key: bool = False,
    is_reply: bool = False,
    is_tester: bool = False,
    sent_today: int = 0,
    declined_today: bool = False,
    messages: int = 1,
) -> Verdict:
    """Whether a message to `recipient` (a Zalo user id, or a phone as `84…`) may go out of a province in `state`.

    `from_test_key`: a `gvc_test_` key caused it. `is_reply`: it answers what the recipient just wrote. `sent_today`: messages to testers
    since midnight in Vietnam, without this one; `declined_today`: this person has had the polite line. `messages`: how many go together.
    """
    outcome = magic(recipient)
    if from_test_key:  # in every state: an integrator tests before anybody is served
        return Verdict(Act.SIMULATE, Why.TEST_KEY, outcome or Simulated(_host(recipient)))
    if state != "trial":
        return Verdict(Act.SEND, Why.LIVE) if state == "live" else Verdict(Act.SKIP, Why.STATE)
    if outcome is not None:
        return Verdict(Act.SIMULATE, Why.MAGIC_RECIPIENT, outcome)
    if is_tester:
        over = sent_today + messages > DAILY_LIMIT
        return Verdict(Act.SKIP, Why.DAILY_LIMIT) if over else Verdict(Act.SEND, Why.TESTER)
    if is_reply and not declined_today:
        return Verdict(Act.DECLINE, Why.NOT_A_TESTER)
    return Verdict(Act.SKIP, Why.ALREADY_DECLINED if is_reply else Why.NOT_A_TESTER)


def magic(recipient: str) -> Simulated | None:
    """What a magic recipient stands for; None for everybody else. Digits that name no failure we know stand for a success."""
    if recipient.startswith(MAGIC_USER) and len(recipient) == len(MAGIC_USER) + 7:
        host, digits = Host.oa, recipient[len(MAGIC_USER) :]
    elif recipient.startswith(MAGIC_PHONE) and len(recipient) == len(MAGIC_PHONE) + 6:
        host, digits = Host.zbs, recipient[len(MAGIC_PHONE) :]
    else:
        return None
    if not (digits.isascii() and digits.isdecimal()):
        return None
    number = int(digits)
    if number in ROAD:
        return Simulated(host, road=ROAD[number].__name__)
    known = OA_CODES if host is Host.oa else ZBS_CODES
    return Simulated(host, code=-number if -number in known else None)


def magic_user(number: int) -> str:
    """The magic Zalo user id for a code (either sign) or a number of `ROAD`; 0 is a success."""
    return f"{MAGIC_USER}{abs(number):07}"


def magic_phone(number: int) -> str:
    """The same as a telephone number, `84…`."""
    return f"{MAGIC_PHONE}{abs(number):06}"


def polite_line(name: str, hotline: str | None) -> str:
    """What somebody hears who writes to a province in trial and is no tester: once a day at most."""
    return fill("govchat.tenants", "trial", name=name, hotline=hotline or "")


def today(now: datetime) -> date:
    """The day in Vietnam by which messages are counted."""
    return now.astimezone(clock.VN).date()


def _host(recipient: str) -> Host:
    return Host.zbs if recipient.startswith("84") and len(recipient) == 11 else Host.oa
