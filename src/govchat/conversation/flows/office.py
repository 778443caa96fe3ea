"""Where an office is and when it is open: the one that was named, on the day that was asked, by the calendar; else the province."""

import re
from datetime import date
from typing import Any

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.flows import opening
from govchat.conversation.flows.front import portal_button, tap, within
from govchat.conversation.say import LONGEST_TITLE, Button, Link, Outcome, Tap
from govchat.conversation.state import State
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.kit.text import clean, fold
from govchat.language.read import Reading
from govchat.offices import find, hours
from govchat.offices.day import asked_day, asked_days, asked_part
from govchat.tenants.schema import Agency, Manifest

_MOST_OFFICES = 4
_MOST_MAPS = 3
_TOPIC_S = 2 * 3600
_ASKS = re.compile(
    r"\b(?:dia chi|o dau|cho nao|may gio|lam viec|mo cua|dong cua|dien thoai|sdt|so dt|hotline|duong day nong|ban do|duong den|co lam|"
    r"con lam|nghi trua)\b"
)
# What only an office has: a procedure has a place to hand in, too ("nộp ở đâu").
_WHERE = re.compile(
    r"\b(?:dia chi|dien thoai|sdt|so dt|hotline|duong day nong|ban do|chi duong|duong di|duong den|google ?maps?|dinh vi)\b"
)
_PAPERS = re.compile(r"\b(?:dang ky|cap lai|thu tuc|ho so|giay to|xac nhan|khai sinh|ket hon|khai tu)\b")
_HOURS = re.compile(
    r"\b(?:may gio|gio lam|gio mo|lich lam|lich nghi|mo cua|dong cua|lam viec|co lam|con lam|con ai|gio nay|bay gio|nghi trua|co nghi|"
    r"trua)\b"
)
_OPEN = re.compile(
    r"\b(?:lam viec|co lam|con lam|di lam|mo cua|dong cua|nghi|lam (?:khong|ko|k|hong|hok|ha|a)|tiep dan|truc)\b"
)
_BEHIND = re.compile(r"\b(?:con|the|vay|thi sao|thi|nua|khi nao|luc nao|may gio)\b")
_SAME_DAY = re.compile(r"^(?:da |a |vay |the )?(?:con|the|vay)\b|\bthi sao\b")
_ASKS_PLACE = re.compile(r"\b(?:dia chi|o dau|cho nao)\b")
_MAP = re.compile(r"\b(?:ban do|chi duong|duong di|duong den|google ?maps?|dinh vi)\b")
_CENTRE = re.compile(r"\b(?:hanh chinh cong|mot cua)\b")
_MOST_MAP_WORDS, _MOST_WORDS, _MOST_FOLLOWING = 12, 14, 10
_MOST_OF_A_PLACE = 4  # words


def is_asked_about(text: str, context: Context) -> bool:
    """Whether words that say nothing else ask for a map, for the address or the hours of an office, or for a day off."""
    said = fold(clean(text, 200))
    if _MAP.search(said) and len(said.split()) <= _MOST_MAP_WORDS:
        return True
    manifest = context.tenant.manifest
    if manifest is None:
        return False
    if _ASKS.search(said) and (find.find(manifest, text) or find.names_an_office(text)):
        return True
    return bool(_OPEN.search(said)) and asked_day(manifest, text, context.today) is not None


def asks_where(text: str, context: Context) -> bool:
    """Whether the address, the telephone, the map or the hours of an office that is named are asked for, whatever else it could be."""
    said = fold(clean(text, 200))
    if not _WHERE.search(said) or len(said.split()) > _MOST_WORDS:
        return False
    manifest = context.tenant.manifest
    return manifest is not None and find.names_an_office(text) and not _PAPERS.search(said)


def follows_up(text: str, state: State, context: Context) -> bool:
    """Whether a short question goes on about the office or the day talked about last: "chiều thì sao", "còn công an phường?"."""
    manifest = context.tenant.manifest
    said = fold(clean(text, 200))
    if manifest is None or not _is_fresh(state, context) or len(said.split()) > _MOST_FOLLOWING:
        return False
    if (
        "o dau" in said
        and "dia chi" not in said
        and len(said.split()) > _MOST_OF_A_PLACE
        and not find.names_an_office(text)
    ):
        return False  # "ăn phở ở đâu ngon"
    if asked_day(manifest, text, context.today) is not None or _ASKS.search(said) or _WHERE.search(said):
        return True
    behind = bool(_BEHIND.search(said))
    return behind and bool(asked_part(text) or find.find(manifest, text) or find.names_an_office(text))


def picked(text: str, state: State, context: Context) -> str | None:
    """The office that a number alone picks among those offered last; None for anything else."""
    number = text.strip(" .")
    last = max(state.topic_at, state.petition_at, state.rating_at) <= state.office_at
    if not (last and _is_fresh(state, context) and number.isascii() and number.isdigit()):
        return None
    return state.offices[int(number[:3]) - 1] if 1 <= int(number[:3]) <= len(state.offices) else None


def _is_fresh(state: State, context: Context) -> bool:
    return state.office_at > 0 and abs(context.seconds - state.office_at) <= _TOPIC_S


def asks_for_a_day(reading: Reading, text: str, context: Context) -> bool:
    """Whether "được không" is asked about a day and no procedure that was named: "thứ 7 lấy được không"."""
    manifest = context.tenant.manifest
    named = bool(reading.procedures) and not reading.inherited
    return (
        manifest is not None
        and reading.field == "conditions"
        and not named
        and asked_day(manifest, text, context.today) is not None
    )


def _wants_map(text: str) -> bool:
    return bool(_MAP.search(fold(clean(text, 200))))


def _contact(turn: Turn) -> Outcome:
    """An office by its button or its name, a few to choose from, or the province; on the day that was asked about."""
    manifest = turn.context.tenant.manifest
    if manifest is None:
        return _province(turn)
    tapped = [one for one in manifest.agencies if one.code == turn.argument]
    named = tapped if turn.argument else find.find(manifest, turn.typed)
    elsewhere = bool(turn.typed) and not named and _is_elsewhere(turn.typed)
    days = asked_days(manifest, turn.typed, turn.context.today) if turn.typed else []
    part = asked_part(turn.typed) if turn.typed else ""
    if turn.typed and _is_fresh(turn.state, turn.context):
        if not named and not elsewhere:
            named = [one for one in manifest.agencies if one.code == turn.state.office]
        if not days and turn.state.office_on and _goes_on(turn.typed, part):
            days = [date.fromisoformat(turn.state.office_on)]
    if not days and part in ("noon", "evening"):
        days = [hours.next_open_day(manifest, named[0] if named else None, turn.context.today).day]
    if days and len(named) <= _MOST_OFFICES:
        return _on(turn, manifest, named, days, part, elsewhere=elsewhere)
    if len(named) > 1:
        return _maps(turn, manifest) if _wants_map(turn.typed) else _which(turn, named)
    if named:
        return _agency(turn, manifest, named[0])
    if elsewhere:
        return _unknown(turn, manifest)
    return _maps(turn, manifest) if _wants_map(turn.typed) else _province(turn)


def _goes_on(typed: str, part: str) -> bool:
    """Whether a question without a day is about the day talked about last: "chiều thì sao", "còn công an?"."""
    said = fold(clean(typed, 200))
    return part in ("morning", "afternoon") or bool(_SAME_DAY.search(said) and not _HOURS.search(said))


def _is_elsewhere(typed: str) -> bool:
    """Whether an office was named that the manifest does not know; the one-stop office goes for the province's own."""
    return find.names_an_office(typed) and not _CENTRE.search(fold(typed))


def _on(
    turn: Turn, manifest: Manifest, named: list[Agency], days: list[date], part: str, *, elsewhere: bool
) -> Outcome:
    """Whether it is open, first and alone."""
    one = named[0] if len(named) == 1 else None
    lines = [words("contact.office_unknown")] if elsewhere else []
    lines += [f"{one.name}:"] if one else []
    lines += opening.on_days(manifest, named, days, part)
    if one and _ASKS_PLACE.search(fold(turn.typed)):
        lines.append(words("contact.address", address=one.address) if one.address else words("contact.address_unknown"))
    phone = (one.phone if one else None) or turn.context.tenant.hotline
    lines += [words("contact.call", hotline=phone)] if phone else []
    page = find.map_link(manifest, one) if one else None
    place = (Link(words("button.map"), page),) if page else ()
    more = () if place else (tap("contact", payloads.CONTACT),)
    return turn.answer(
        "\n".join(lines),
        buttons=(*place, *more, tap("person", payloads.PERSON)),
        **_remembered(turn, one, days[0]),
    )


def _remembered(turn: Turn, agency: Agency | None, on: date | None = None) -> dict[str, Any]:
    """What the next short question may be about."""
    return {
        "office": agency.code[:64] if agency else "", "office_on": on.isoformat() if on else "",
        "office_at": turn.context.seconds, "offices": (), "misses": 0,
    }  # fmt: skip


def _unknown(turn: Turn, manifest: Manifest) -> Outcome:
    """An office that the manifest does not name: said so, and where one can ask."""
    tenant = turn.context.tenant
    centres = [one for one in manifest.agencies if one.address and _CENTRE.search(fold(one.name))][:_MOST_MAPS]
    near = [words("contact.one_stop", name=one.name, address=one.address) for one in centres]
    lines = [
        words("contact.office_unknown"),
        words("contact.hotline", hotline=tenant.hotline) if tenant.hotline else "",
        words("contact.portal", url=tenant.portal_url) if tenant.portal_url else "",
        *([words("contact.ask_there"), *near] if near else []),
    ]
    return turn.answer(
        "\n".join(filter(None, lines)),
        buttons=(tap("person", payloads.PERSON), tap("contact", payloads.CONTACT), *portal_button(tenant)),
        **_remembered(turn, None),
    )


def _maps(turn: Turn, manifest: Manifest) -> Outcome:
    """Where to hand things in, on a map: the one-stop offices whose address is known, else the province's own address."""
    centres = [one for one in manifest.agencies if one.address and _CENTRE.search(fold(one.name))][:_MOST_MAPS]
    if not centres:
        return _province(turn)
    lines = [words("contact.one_stop", name=one.name, address=one.address) for one in centres]
    links = tuple(
        Link(words("button.map_of", name=one.name)[:LONGEST_TITLE], page)
        for one in centres
        if (page := find.map_link(manifest, one))
    )
    more = () if len(links) > 1 else (tap("person", payloads.PERSON),)
    return turn.answer(
        "\n".join((words("contact.maps"), *lines)), buttons=(*links, tap("contact", payloads.CONTACT), *more), misses=0
    )


def _which(turn: Turn, named: list[Agency]) -> Outcome:
    each = tuple(
        Tap(one.name[:LONGEST_TITLE], payloads.spelled(payloads.CONTACT, one.code)) for one in named[:_MOST_OFFICES]
    )
    offered = tuple(one.code[:64] for one in named[:_MOST_OFFICES])
    return turn.answer(
        words("contact.which"),
        buttons=(*each, tap("person", payloads.PERSON)),
        **{**_remembered(turn, None), "offices": offered},
    )


def _agency(turn: Turn, manifest: Manifest, agency: Agency) -> Outcome:
    lines = [
        f"{agency.name}:",
        words("contact.hotline", hotline=agency.phone) if agency.phone else "",
        words("contact.address", address=agency.address) if agency.address else words("contact.address_unknown"),
        *opening.in_general(manifest, agency, turn.context),
    ]
    page = find.map_link(manifest, agency)
    place = (Link(words("button.map"), page),) if page else ()
    return turn.answer("\n".join(filter(None, lines)), buttons=_buttons(turn, place), **_remembered(turn, agency))


def _province(turn: Turn) -> Outcome:
    tenant = turn.context.tenant
    if tenant.manifest is not None and _is_about_hours(turn.typed):
        lines = opening.in_general(tenant.manifest, None, turn.context)
        call = words("contact.call", hotline=tenant.hotline) if tenant.hotline else ""
        buttons = (tap("contact", payloads.CONTACT), tap("person", payloads.PERSON))
        return turn.answer("\n".join(filter(None, (*lines, call))), buttons=buttons, **_remembered(turn, None))
    known = [
        words("contact.hotline", hotline=tenant.hotline) if tenant.hotline else "",
        words("contact.address", address=tenant.address) if tenant.address else "",
        words("contact.portal", url=tenant.portal_url) if tenant.portal_url else "",
    ]
    known += opening.in_general(tenant.manifest, None, turn.context) if tenant.manifest else []
    lines = [words("contact.office", province=within(tenant.full_name)), *filter(None, known)] if any(known) else []
    if lines and not tenant.address and _wants_map(turn.typed):
        lines.insert(1, words("contact.address_unknown"))
    advice = words("contact.automatic") if any(known) else words("contact.nothing_known")
    page = find.map_link(tenant.manifest) if tenant.manifest else None
    place = (Link(words("button.map"), page),) if page else ()
    return turn.answer("\n".join(lines), advice, buttons=_buttons(turn, place), **_remembered(turn, None))


def _is_about_hours(typed: str) -> bool:
    said = fold(clean(typed, 200))
    return bool(_HOURS.search(said)) and not _WHERE.search(said) and "o dau" not in said


def _buttons(turn: Turn, place: tuple[Link, ...]) -> tuple[Button, ...]:
    portal = portal_button(turn.context.tenant)
    if _wants_map(turn.typed):
        return (*place, tap("person", payloads.PERSON), *portal)
    return (tap("lookup", payloads.LOOKUP), tap("person", payloads.PERSON), *place, *portal)


def in_short(code: str, on: date | None, context: Context) -> str:
    """One office, or the province, beside another answer: whether it is open (on the day asked), where it is, its telephone."""
    manifest, tenant = context.tenant.manifest, context.tenant
    agency = next((one for one in manifest.agencies if one.code == code), None) if manifest else None
    open_ = opening.on_day(manifest, agency, on or context.today) if manifest else []
    address = agency.address if agency else tenant.address
    phone = (agency.phone if agency else None) or tenant.hotline
    lines = [
        *([f"{agency.name}:"] if agency else []),
        *open_,
        words("contact.address", address=address) if address else "",
        words("contact.hotline", hotline=phone) if phone else "",
    ]
    return "\n".join(filter(None, lines)) or words("contact.call_nowhere")


TABLE: Table = {(None, Heard.CONTACT_OFFICE): _contact}
