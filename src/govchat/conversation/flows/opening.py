"""When offices are open, in sentences: on the day that was asked about, in the part of it that was asked about, or in general.

From a manifest, its agencies and the dated calendar (`offices.hours`) to lines of an answer. What is said of a province in general names
the offices that have other hours, so that nobody stays away from one that is open.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from govchat.conversation.context import Context
from govchat.conversation.wording import words
from govchat.kit.clock import VN
from govchat.offices import hours
from govchat.offices.day import spoken
from govchat.tenants.schema import Agency, Manifest

_DAYS_AHEAD = 10
_MOST_OTHERS = 4
_NOON = time(12)
_LONG_HOLIDAY = 2  # days from which on a holiday is told from its first to its last
_OFF = frozenset({hours.Why.HOLIDAY, hours.Why.COMPENSATORY, hours.Why.SWAP})


def on_days(manifest: Manifest, agencies: Sequence[Agency], days: Sequence[date], part: str = "") -> list[str]:
    """How these agencies, or the province where none is named, are open on the days that were asked about."""
    lines: list[str] = []
    for day in days:
        if len(agencies) > 1:
            lines += _each(manifest, agencies, day)
        else:
            lines += on_day(manifest, agencies[0] if agencies else None, day, part)
    return list(dict.fromkeys(reversed(lines)))[::-1]  # what holds for both days is said once, at the end


def on_day(manifest: Manifest, agency: Agency | None, day: date, part: str = "") -> list[str]:
    """One agency, or the province in general, on one day."""
    opening = hours.open_on(manifest, agency, day)
    others = _others(manifest, opening) if agency is None else []
    said = _sentence_case(spoken(day))
    if opening.is_open:
        lines = [words("hours.on", day=said, hours=opening.hours), *_part(opening, part)]
    elif any(each.is_open for _, each in others):
        lines = [words("hours.mostly_not_on", day=said, why=_why(opening))]
    else:
        lines = [words("hours.not_on", day=said, why=_why(opening))]
    if others:
        lines += [words("hours.others"), *(_place(one, each) for one, each in others)]
    settled = opening.settled
    if not opening.is_open:
        off = _off(manifest, agency, opening)
        settled = all(each.settled for each in off)
        if len(off) > _LONG_HOLIDAY:
            lines.append(words("hours.span", first=spoken(off[0].day), last=spoken(off[-1].day), days=len(off)))
        lines += _again(manifest, agency, day)
    return lines if settled else [*lines, words("hours.unsettled")]


def in_general(manifest: Manifest, agency: Agency | None, context: Context) -> list[str]:
    """Today and now, the usual hours, Saturday, and the next days on which it is otherwise than people expect."""
    today = context.today
    week = [hours.open_on(manifest, agency, today + timedelta(days=ahead)) for ahead in range(_DAYS_AHEAD)]
    first = week[0]
    if first.is_open:
        now = words("hours.now_open")
        if not hours.is_open_at(manifest, agency, context.now):
            opens = hours.next_open(manifest, agency, context.now)
            now = words("hours.now_closed", at=f"{opens:%H:%M} {spoken(opens.date())}")
        lines = [words("hours.open", hours=first.hours), now]
    else:
        usual = next((day.hours for day in week if day.why is hours.Why.WORKDAY), "")
        lines = [words("hours.closed", why=_why(first)), *_again(manifest, agency, today)]
        lines += [words("hours.usual", hours=usual)] if usual else []
    lines += _saturday(manifest, agency, next(day for day in week if day.day.weekday() == 5))
    ahead = [day for day in week[1:] if day.why in _OFF or day.why is hours.Why.MAKEUP]
    lines += [words("hours.ahead", day=spoken(day.day), why=_ahead(day)) for day in ahead][:3]
    return lines


def _each(manifest: Manifest, agencies: Sequence[Agency], day: date) -> list[str]:
    opened = [(one, hours.open_on(manifest, one, day)) for one in agencies]
    why = "" if any(each.is_open for _, each in opened) else f" ({_why(opened[0][1])})"
    lines = [f"{_sentence_case(spoken(day))}{why}:", *(_place(one, each) for one, each in opened)]
    return lines if all(each.settled for _, each in opened) else [*lines, words("hours.unsettled")]


def _others(manifest: Manifest, general: hours.Opening) -> list[tuple[Agency, hours.Opening]]:
    """The offices whose hours of that day are not those of the province in general."""
    each = [(one, hours.open_on(manifest, one, general.day)) for one in manifest.agencies]
    return [(one, opening) for one, opening in each if opening.spans != general.spans][:_MOST_OTHERS]


def _place(agency: Agency, opening: hours.Opening) -> str:
    return words("hours.place", name=agency.name, hours=opening.hours or words("hours.off"))


def _saturday(manifest: Manifest, agency: Agency | None, day: hours.Opening) -> list[str]:
    said = words("hours.saturday", day=f"{day.day:%d/%m}", hours=day.hours or words("hours.off"))
    others = _others(manifest, day) if agency is None else []
    return [said, *(_place(one, each) for one, each in others)]


def _part(opening: hours.Opening, part: str) -> list[str]:
    """What is to be said of a part of an open day on which nobody is there."""
    morning = [span for span in opening.spans if span[0] < _NOON]
    afternoon = [span for span in opening.spans if span[1] > _NOON]
    if part == "evening":
        return [words("hours.no_evening")]
    if part == "noon" and morning and afternoon:
        return [words("hours.noon", start=f"{morning[-1][1]:%H:%M}", end=f"{afternoon[0][0]:%H:%M}")]
    if part == "afternoon" and not afternoon:
        return [words("hours.no_afternoon")]
    if part == "morning" and not morning:
        return [words("hours.no_morning")]
    return []


def _off(manifest: Manifest, agency: Agency | None, opening: hours.Opening) -> list[hours.Opening]:
    """The days off around a holiday, weekends beside it included; a weekend or any other day by itself."""
    off = [opening]
    if opening.why not in _OFF:
        return off
    while not (before := hours.open_on(manifest, agency, off[0].day - hours.ONE_DAY)).is_open:
        off.insert(0, before)
    while not (after := hours.open_on(manifest, agency, off[-1].day + hours.ONE_DAY)).is_open:
        off.append(after)
    return off


def _again(manifest: Manifest, agency: Agency | None, day: date) -> list[str]:
    """When it is open again after a day on which it is closed."""
    opens = hours.next_open(manifest, agency, datetime.combine(day, time(0), VN))
    return [words("hours.again", at=f"{opens:%H:%M} {spoken(opens.date())}")]


def _ahead(day: hours.Opening) -> str:
    return _why(day) if day.is_open or day.why is not hours.Why.HOLIDAY else f"{words('hours.off')}, {_why(day)}"


def _why(day: hours.Opening) -> str:
    return day.name or words(f"hours.why_{day.why}")


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
