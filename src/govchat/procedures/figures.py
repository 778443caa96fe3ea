"""Cells of a catalogue into figures: limits, fees, lists, levels, dates.

Nothing is guessed: what is not plainly one figure keeps its words and a doubt. "Channels" that carry different limits are cases or areas
whose name the source has lost; "8 ngày" may be eight hours.
"""

import re
from datetime import date

import msgspec

from govchat.kit.phrases import shipped
from govchat.kit.text import clean, fold
from govchat.procedures.catalogue import ROOM, Caveat, Channel, Fee, Flag, Level, Limit, Unit, Variant, amount_said
from govchat.procedures.flags import flag

MOST_DAYS = 3650
BASIS = "tệp danh mục"

_WORDS_OF_UNITS: tuple[tuple[str, Unit | None], ...] = (
    ("ngay lam viec", "working_day"), ("ngay lv", "working_day"), ("ngay", "calendar_day"), ("gio lam viec", "working_hour"),
    ("gio", "working_hour"), ("thang", None), ("tuan", None), ("nam", None), ("phut", None),
)  # fmt: skip
_UNIT = "|".join(word for word, _ in _WORDS_OF_UNITS)
# "05 (năm) ngày làm việc", "từ 10 đến 15 ngày", "10-15 ngày"; not the 2 of "1/2 ngày" nor the 5 of "0,5 ngày" or "15/2024".
_FIGURE = re.compile(
    rf"(?<![\d/.,])(?:(?P<first>\d{{1,5}})\s*(?:-|den|toi)\s*)?(?P<value>\d{{1,5}})\s*(?:\([^()]{{0,40}}\)\s*)?(?P<unit>{_UNIT})\b"
)
# "tiếp nhận sau 15 giờ" is a time of day. Blanked out, so that both texts stay equally long.
_CLOCK = re.compile(r"\b(?:sau|truoc|luc)\s+\d{1,2}\s*(?:gio|h)\b")
_SAME_DAY = re.compile(
    r"\b(?:ngay )?trong (?:ngay(?: lam viec)?|buoi)\b|\bgiai quyet ngay\b|\btra ngay\b|\bngay sau khi\b"
)
_CHANNEL_WORDS: tuple[tuple[str, Channel], ...] = (
    ("truc tuyen", "online"), ("online", "online"), ("buu chinh", "post"), ("buu dien", "post"), ("truc tiep", "counter"),
    ("counter", "counter"), ("post", "post"),
)  # fmt: skip
_LEVEL_WORDS: tuple[tuple[str, Level], ...] = (
    ("xa", "commune"), ("phuong", "commune"), ("tinh", "province"), ("so", "province"), ("bo", "ministry"), ("nganh", "ministry"),
    ("trung uong", "ministry"), ("commune", "commune"), ("province", "province"), ("ministry", "ministry"), ("khac", "other"),
)  # fmt: skip
_BULLET = re.compile(r"^\s*(?:[-–•+*●▪]|\d{1,2}[.)]|[a-zđ]\))\s*", re.I)
_NO_FEE = frozenset(
    ("khong", "khong thu", "khong co", "khong thu phi", "mien phi", "mien", "khong phi", "khong mat phi")
)
_SEE_ABOVE = frozenset(("nhu tren", "nt", "-", "", "chua co", "khong ro", "dang cap nhat"))
UNITS: dict[str, Unit] = {
    "working_day": "working_day",
    "calendar_day": "calendar_day",
    "working_hour": "working_hour",
    "same_day": "same_day",
}


class Read(msgspec.Struct, frozen=True):
    """A figure with the doubts about it; `value` is None when the cell says nothing that could be taken."""

    value: object | None
    flags: tuple[Flag, ...] = ()


class _Found(msgspec.Struct, frozen=True):
    value: int
    unit: Unit
    label: str
    plain: bool


def limit_of(text: str, *, by_channel: bool = False) -> Read:
    """A limit from a cell's words; `by_channel` when the cell lists channels. Value: `Limit`."""
    found, unread = _figures(text)
    raw = clean(text)
    if unread or not found:
        return Read(None, (flag("limit", "unread", raw),)) if raw and not by_channel else Read(None)
    distinct = {(each.value, each.unit) for each in found}
    flags, caveats = _doubts(found, raw)
    if len(distinct) == 1:
        return Read(_limit(found[0].value, found[0].unit, (), caveats, flags), flags)
    channels = by_channel or any(each.label and _is_channel(each.label) for each in found)
    variants = tuple(
        dict.fromkeys(Variant(each.value, each.unit, "" if _is_channel(each.label) else each.label) for each in found)
    )
    flags = (*flags, flag("limit", "limits_by_channel" if channels else "several_limits", raw))
    return Read(_limit(None, None, variants, (*caveats, "varies"), flags), flags)


def limit_from_columns(value: str, unit: str) -> Read:
    """A limit that has a column for the number and one for the unit. Value: `Limit`."""
    kind = UNITS.get(unit.strip().lower())
    if kind == "same_day":
        return Read(_limit(0, "same_day", (), (), ()))
    if kind is not None and value.strip().isdecimal() and 0 < int(value) <= MOST_DAYS:
        return Read(_limit(int(value), kind, (), (), ()))
    return limit_of(f"{value} {unit}") if value.strip() else Read(None)


def _figures(text: str) -> tuple[list[_Found], bool]:
    """Every figure with what stands before it, and whether there is a time that can't be told in our units."""
    found: list[_Found] = []
    unread = False
    for part in re.split(r"[\n;|]|(?<=\))\s*,", text):
        words = _CLOCK.sub(lambda time: " " * len(time[0]), fold(clean(part)))
        end = 0
        for match in _FIGURE.finditer(words):
            unit = next(kind for word, kind in _WORDS_OF_UNITS if word == match["unit"])
            values = [int(each) for each in (match["first"], match["value"]) if each]
            if unit is None or not all(0 < each <= MOST_DAYS for each in values):
                unread = True
                continue
            label = _label(clean(part), words, end, match.start())
            plain = match["unit"] in ("ngay", "gio")
            found += [_Found(value, unit, label, plain) for value in values]
            end = match.end()
        if not end and _SAME_DAY.search(words):
            found.append(_Found(0, "same_day", "", False))
        elif not end and re.search(r"\d", words):
            unread = True
    return found, unread


def _label(written: str, folded: str, start: int, end: int) -> str:
    """What names the case before a figure, with its diacritics where both texts are equally long."""
    source = written if len(written) == len(folded) else folded
    label = source[start:end].strip(" ,.:-–()+*•")
    return (
        ""
        if fold(label) in ("", "thoi han", "thoi han giai quyet", "trong", "toi da", "khong qua", "trong vong", "tu")
        else label[:200]
    )


def _is_channel(label: str) -> bool:
    words = fold(label)
    return not words or any(word in words for word, _ in _CHANNEL_WORDS)


def _doubts(found: list[_Found], raw: str) -> tuple[tuple[Flag, ...], tuple[Caveat, ...]]:
    flags: list[Flag] = []
    days = {each.value for each in found if each.unit in ("working_day", "calendar_day")}
    hours = {each.value for each in found if each.unit == "working_hour"}
    if any(value % 8 == 0 for value in days) or days & hours:
        flags.append(flag("limit", "maybe_hours", raw))
    plain_days = any(each.plain and each.unit == "calendar_day" for each in found)
    if plain_days:
        flags.append(flag("limit", "plain_days", raw))
    if any(each.plain and each.unit == "working_hour" for each in found):
        flags.append(flag("limit", "plain_hours", raw))
    return tuple(flags), ("plain_days",) if plain_days else ()


def _limit(
    value: int | None,
    unit: Unit | None,
    variants: tuple[Variant, ...],
    caveats: tuple[Caveat, ...],
    flags: tuple[Flag, ...],
) -> Limit:
    # "ngày" alone is how the national database writes most limits: said of the figure, it does not unmake it.
    sure = all(each.kind == "plain_days" for each in flags)
    certainty = "confirmed" if sure else "unconfirmed"
    return Limit(
        value=value,
        unit=unit,
        variants=variants,
        caveats=caveats,
        certainty=certainty,  # type: ignore[arg-type]
        basis=BASIS,
    )


def fee_of(*texts: str) -> Read:
    """A fee from the cells that speak of it (phí, lệ phí). Value: `Fee`."""
    lines = [("; ".join(clean(part) for part in text.splitlines() if part.strip())) for text in texts if text.strip()]
    words = "; ".join(dict.fromkeys(lines))
    if not words:
        return Read(None)
    if fold(words).strip(' ."') in _SEE_ABOVE:
        return Read(None, (flag("fee", "unread", words),))
    amount = _amount(words)
    doubtful = amount is not None and 0 < amount < 1000
    flags = (flag("fee", "fee_small", words),) if doubtful else ()
    text = words if amount is None or doubtful else amount_said(amount, shipped(ROOM))
    return Read(
        Fee(
            text=text,
            amount=None if doubtful else amount,
            certainty="unconfirmed" if doubtful else "confirmed",
            basis=BASIS,
        ),
        flags,
    )


def _amount(words: str) -> int | None:
    """The one unconditional figure in đồng, None when there is none or more is said."""
    bare = fold(words).strip(" .")
    if bare in _NO_FEE:
        return 0
    match = re.fullmatch(r"(\d{1,3}(?:[., ]\d{3})+|\d{1,12})(?:[.,]0+)?\s*(?:d|dong|vnd|vnđ|₫)?", bare)
    return int(re.sub(r"\D", "", match[1])) if match else None


def items_of(text: str, *, commas: bool = False) -> tuple[str, ...]:
    """A list: one entry a line, or parted by `|` or `;` (and by commas where `commas`)."""
    parts = re.split(r"[\n|;,]" if commas else r"[\n|;]", text)
    entries = (clean(_BULLET.sub("", part)).strip(" .") if part.strip() else "" for part in parts)
    return tuple(dict.fromkeys(entry for entry in entries if entry))


def levels_of(text: str) -> Read:
    """Cấp thực hiện. Value: tuple of `Level`."""
    words = re.findall(r"[a-z]+(?: uong)?", fold(clean(text)))
    found = tuple(dict.fromkeys(level for word in words for name, level in _LEVEL_WORDS if name == word))
    if "huyen" in words or "district" in words:
        return Read((*found, "other"), (flag("levels", "district", clean(text)),))
    if not found:
        return Read(("other",), (flag("levels", "unread", clean(text)),)) if words else Read(None)
    return Read(found)


def online_of(text: str) -> Read:
    """Mức độ dịch vụ công trực tuyến. Value: `Online`."""
    words = fold(clean(text))
    if not words:
        return Read(None)
    for name, level in (("toan trinh", "full"), ("mot phan", "partial")):
        if name in words:
            both = "khong" in words and level == "partial"
            return Read("unclear" if both else level)
    if words.startswith("khong") or "cung cap thong tin" in words or words == "none":
        return Read("none")
    if words in ("full", "partial"):
        return Read(words)
    kind = "old_level" if re.fullmatch(r"(?:muc(?: do)?|dvctt|dvc)?\s*\d", words) else "unread"
    return Read("unclear", (flag("online", kind, clean(text)),))


def channels_of(text: str) -> tuple[Channel, ...]:
    """The ways to hand in that a cell names, in its order."""
    words = fold(text)
    places = {channel: words.find(word) for word, channel in reversed(_CHANNEL_WORDS) if word in words}
    return tuple(sorted(places, key=lambda channel: places[channel]))


def yes(text: str) -> bool | None:
    """Có/không, x, 1/0; None for anything else."""
    words = fold(clean(text))
    if words in ("x", "1", "co", "true", "yes", "an"):
        return True
    return False if words in ("0", "khong", "false", "no", "hien") else None


def day_of(text: str) -> date | None:
    """A date as `dd/mm/yyyy` or `yyyy-mm-dd`; None for anything else. Raises ValueError for a day that isn't."""
    written = clean(text)
    if match := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", written):
        return date(int(match[3]), int(match[2]), int(match[1]))
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00:00)?", written):
        return date(int(match[1]), int(match[2]), int(match[3]))
    return None
