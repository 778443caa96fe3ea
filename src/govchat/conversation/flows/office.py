"""Where an office is and when it is open: the one that was named, on the day that was asked, by the calendar; else the province."""

import re
from datetime import date, datetime, time, timedelta

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.flows.front import portal_button, tap, within
from govchat.conversation.say import LONGEST_TITLE, Button, Link, Outcome, Tap
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.kit.clock import VN
from govchat.kit.text import clean, fold
from govchat.language.read import Reading
from govchat.offices import find, hours
from govchat.offices.day import asked_day, spoken
from govchat.tenants.schema import Agency, Manifest

_DAYS_AHEAD = 10
_MOST_OFFICES = 4
_MOST_MAPS = 3
_ASKS = re.compile(r"\b(?:dia chi|o dau|cho nao|may gio|lam viec|mo cua|dien thoai|sdt|ban do|duong den)\b")
_MAP = re.compile(r"\b(?:ban do|chi duong|duong di|duong den|google ?maps?|dinh vi)\b")
_CENTRE = re.compile(r"\b(?:hanh chinh cong|mot cua)\b")
_MOST_MAP_WORDS = 8


def is_asked_about(text: str, context: Context) -> bool:
    """Whether words that say nothing else ask for a map, or for the address or the hours of an office of this province."""
    if _wants_map(text) and len(text.split()) <= _MOST_MAP_WORDS:
        return True
    manifest = context.tenant.manifest
    return manifest is not None and bool(_ASKS.search(fold(clean(text, 200)))) and bool(find.find(manifest, text))


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
    """An office by its button or its name, a few to choose from, or the province."""
    manifest = turn.context.tenant.manifest
    if manifest is None:
        return _province(turn)
    tapped = [one for one in manifest.agencies if one.code == turn.argument]
    named = tapped if turn.argument else find.find(manifest, turn.typed)
    if len(named) > 1:
        return _which(turn, named)
    if named:
        return _agency(turn, manifest, named[0])
    return _maps(turn, manifest) if _wants_map(turn.typed) else _province(turn)


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
    return turn.answer(words("contact.which"), buttons=(*each, tap("person", payloads.PERSON)), misses=0)


def _agency(turn: Turn, manifest: Manifest, agency: Agency) -> Outcome:
    lines = [
        f"{agency.name}:",
        words("contact.hotline", hotline=agency.phone) if agency.phone else "",
        words("contact.address", address=agency.address) if agency.address else words("contact.address_unknown"),
        *opening_lines(turn, manifest, agency),
    ]
    page = find.map_link(manifest, agency)
    place = (Link(words("button.map"), page),) if page else ()
    return turn.answer("\n".join(filter(None, lines)), buttons=_buttons(turn, place), misses=0)


def _province(turn: Turn) -> Outcome:
    tenant = turn.context.tenant
    known = [
        words("contact.hotline", hotline=tenant.hotline) if tenant.hotline else "",
        words("contact.address", address=tenant.address) if tenant.address else "",
        words("contact.portal", url=tenant.portal_url) if tenant.portal_url else "",
    ]
    known += opening_lines(turn, tenant.manifest, None) if tenant.manifest else []
    lines = [words("contact.office", province=within(tenant.full_name)), *filter(None, known)] if any(known) else []
    if lines and not tenant.address and _wants_map(turn.typed):
        lines.insert(1, words("contact.address_unknown"))
    advice = words("contact.automatic") if any(known) else words("contact.nothing_known")
    page = find.map_link(tenant.manifest) if tenant.manifest else None
    place = (Link(words("button.map"), page),) if page else ()
    return turn.answer("\n".join(lines), advice, buttons=_buttons(turn, place), misses=0)


def _buttons(turn: Turn, place: tuple[Link, ...]) -> tuple[Button, ...]:
    return (
        tap("lookup", payloads.LOOKUP), tap("person", payloads.PERSON), *place, *portal_button(turn.context.tenant),
    )  # fmt: skip


def in_short(code: str, on: date | None, context: Context) -> str:
    """One office, or the province, beside another answer: whether it is open (on the day asked), where it is, its telephone."""
    manifest, tenant = context.tenant.manifest, context.tenant
    agency = next((one for one in manifest.agencies if one.code == code), None) if manifest else None
    open_ = _on(manifest, agency, hours.open_on(manifest, agency, on or context.today)) if manifest else []
    address = agency.address if agency else tenant.address
    phone = (agency.phone if agency else None) or tenant.hotline
    lines = [
        *([f"{agency.name}:"] if agency else []),
        *open_,
        words("contact.address", address=address) if address else "",
        words("contact.hotline", hotline=phone) if phone else "",
    ]
    return "\n".join(filter(None, lines)) or words("contact.call_nowhere")


def opening_lines(turn: Turn, manifest: Manifest, agency: Agency | None) -> list[str]:
    """The day that was asked about first; else today, Saturday, and the next days on which it is otherwise than people expect."""
    today = turn.context.today
    asked = asked_day(manifest, turn.typed, today) if turn.typed else None
    if asked is not None:
        return _on(manifest, agency, hours.open_on(manifest, agency, asked))
    week = [hours.open_on(manifest, agency, today + timedelta(days=ahead)) for ahead in range(_DAYS_AHEAD)]
    first = week[0]
    lines = [words("hours.open", hours=first.hours) if first.is_open else words("hours.closed", why=_why(first))]
    lines += _again(manifest, agency, first)
    saturday = next(day for day in week if day.day.weekday() == 5)
    said = saturday.hours if saturday.is_open else words("hours.off")
    lines.append(words("hours.saturday", day=f"{saturday.day:%d/%m}", hours=said))
    lines += [
        words("hours.ahead", day=f"{day.day:%d/%m/%Y}", why=_why(day))
        for day in week[1:]
        if day.why in (hours.Why.HOLIDAY, hours.Why.COMPENSATORY, hours.Why.SWAP, hours.Why.MAKEUP)
    ][:3]
    return lines


def _on(manifest: Manifest, agency: Agency | None, day: hours.Opening) -> list[str]:
    spoken_day = spoken(day.day)
    said = spoken_day[:1].upper() + spoken_day[1:]
    if day.is_open:
        lines = [words("hours.on", day=said, hours=day.hours)]
    else:
        lines = [words("hours.not_on", day=said, why=_why(day)), *_again(manifest, agency, day)]
    return lines if day.settled else [*lines, words("hours.unsettled")]


def _again(manifest: Manifest, agency: Agency | None, day: hours.Opening) -> list[str]:
    """When it is open again after a day on which it is closed."""
    if day.is_open:
        return []
    opens = hours.next_open(manifest, agency, datetime.combine(day.day, time(0), VN))
    return [words("hours.again", at=f"{opens:%H:%M} {spoken(opens.date())}")]


def _why(day: hours.Opening) -> str:
    return day.name or words(f"hours.why_{day.why}")


TABLE: Table = {(None, Heard.CONTACT_OFFICE): _contact}
