"""What the manifests must agree on between them: ids that belong to one tenant alone, and Zalo apps that several share.

Every file that takes part in a conflict gets a finding that names the others, so that each province sees its own. Where most
sharers of an app agree, only those who differ are told.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations
from typing import Any

from govchat.tenants.rules import overlap
from govchat.tenants.toml_lines import KeyPath
from govchat.tenants.validate import Reading

_SHARED_DEFAULTS = {"app_requests_per_minute": 4000, "pkce_mode": "per_request"}


def check_across(readings: Sequence[Reading]) -> None:
    """Add a finding to every reading that conflicts with another."""
    _alone(readings, lambda reading: reading.get("slug"), ("slug",), "đặt cho mỗi đơn vị một slug")
    _alone(readings, lambda reading: reading.get("name"), ("name",), "mỗi đơn vị có một tên riêng")
    way_out = "chép lại OA ID từ OA Manager → Thông tin tài khoản"
    _alone(readings, lambda reading: reading.get("zalo", "oa_id"), ("zalo", "oa_id"), way_out)
    _alone(readings, _official_code, ("official_code",), "xem lại danh mục của văn bản đó")
    _one_answer_per_code(readings)
    _one_successor(readings)
    _apps_agree(readings)
    _app_ids_have_one_name(readings)
    _app_keys_are_no_slugs(readings)


def _app_key(reading: Reading) -> str | None:
    """The name of the Zalo app in the webhook path, or None when the file does not tell for certain."""
    if ("zalo", "app") not in reading.lines:
        return reading.folder
    key: str | None = reading.get("zalo", "app")
    return key


def _official_code(reading: Reading) -> Hashable:
    code, vintage = reading.get("official_code"), reading.get("official_code_vintage")
    return (code, vintage) if code and vintage else None


def _alone(readings: Sequence[Reading], value_of: Callable[[Reading], Hashable], path: KeyPath, way_out: str) -> None:
    for group in _grouped(readings, value_of).values():
        for reading in group if len(group) > 1 else ():
            reading.report(path, f"trùng với {_places(group, reading, path)}; {way_out}", reading.get(*path))


def _grouped(readings: Iterable[Reading], value_of: Callable[[Reading], Hashable]) -> dict[Hashable, list[Reading]]:
    groups: dict[Hashable, list[Reading]] = defaultdict(list)
    for reading in readings:
        value = value_of(reading)
        if value is not None:
            groups[value].append(reading)
    return groups


def _places(group: Sequence[Reading], but: Reading, path: KeyPath) -> str:
    """`tenants/a/tenant.toml:14, tenants/b/tenant.toml:15 và 3 tệp khác`."""
    others = [f"{other.file.as_posix()}:{other.line(path)}" for other in group if other is not but]
    more = f" và {len(others) - 3} tệp khác" if len(others) > 3 else ""
    return ", ".join(others[:3]) + more


def _one_answer_per_code(readings: Sequence[Reading]) -> None:
    """An H code leads to one tenant on any day."""
    holders: dict[str, list[tuple[Reading, KeyPath, dict[str, Any]]]] = defaultdict(list)
    for reading in readings:
        for path, row in reading.rows("h_codes"):
            if "code" in row:
                holders[row["code"]].append((reading, path, row))
    for rows in holders.values():
        for one, other in combinations(rows, 2):
            if one[0] is not other[0] and overlap(one[2], other[2]):
                _tell_both(
                    one, other, "code", "một mã chỉ thuộc một đơn vị trong một ngày: sửa mã, valid_from hoặc valid_to"
                )


def _one_successor(readings: Sequence[Reading]) -> None:
    successors: dict[str, list[tuple[Reading, KeyPath, dict[str, Any]]]] = defaultdict(list)
    for reading in readings:
        for path, row in reading.rows("lineage", "predecessors"):
            if "slug" in row:
                successors[row["slug"]].append((reading, path, row))
    for rows in successors.values():
        for one, other in combinations(rows, 2):
            if one[0] is not other[0]:
                _tell_both(one, other, "slug", "một đơn vị cũ chỉ thuộc về một đơn vị ngày nay")


def _tell_both(
    one: tuple[Reading, KeyPath, dict[str, Any]], other: tuple[Reading, KeyPath, dict[str, Any]], key: str, way_out: str
) -> None:
    for (reading, path, row), (second, second_path, _) in ((one, other), (other, one)):
        place = f"{second.file.as_posix()}:{second.line((*second_path, key))}"
        reading.report((*path, key), f"trùng với {place}; {way_out}", row[key])


def _apps_agree(readings: Sequence[Reading]) -> None:
    """Sharers of an app name the same id, rate and PKCE setting: Zalo keeps these once per app."""
    for key, group in _grouped(readings, _app_key).items():
        for name in ("app_id", *_SHARED_DEFAULTS):
            path = ("zalo", name)
            values = {id(reading): _shared_value(reading, name) for reading in group}
            counts = Counter(value for value in values.values() if value is not None)
            if len(counts) < 2:
                continue
            (first, most), (_, next_most) = counts.most_common(2)
            for reading in group:
                value = values[id(reading)]
                if value is None or (most > next_most and value == first):
                    continue
                differing = [other for other in group if values[id(other)] not in (None, value)]
                message = f'khác với {_places(differing, reading, path)}, tệp cũng dùng ứng dụng Zalo "{key}"'
                reading.report(path, f"{message}; ghi cùng một giá trị hoặc dùng ứng dụng khác", value)


def _shared_value(reading: Reading, name: str) -> Hashable:
    path = ("zalo", name)
    value: Hashable = reading.get(*path)
    return _SHARED_DEFAULTS.get(name) if value is None and path not in reading.lines else value


def _app_ids_have_one_name(readings: Sequence[Reading]) -> None:
    path = ("zalo", "app_id")
    for group in _grouped(readings, lambda reading: reading.get(*path)).values():
        for reading in group:
            key = _app_key(reading)
            differing = [other for other in group if key is not None and _app_key(other) not in (None, key)]
            if differing:
                message = f"ứng dụng này mang tên khác ở {_places(differing, reading, path)}"
                reading.report(path, f"{message}; ghi cùng zalo.app ở các tệp đó hoặc sửa app_id", reading.get(*path))


def _app_keys_are_no_slugs(readings: Sequence[Reading]) -> None:
    """The key is part of the webhook path, where a tenant's slug names its own app."""
    slugs = {reading.get("slug"): reading for reading in readings}
    for reading in readings:
        app = reading.get("zalo", "app")
        owner = slugs.get(app) if app is not None else None
        if owner is not None and owner is not reading:
            place = f"{owner.file.as_posix()}:{owner.line(('slug',))}"
            reading.report(
                ("zalo", "app"), f"trùng với slug của đơn vị khác ({place}); đặt tên khác cho ứng dụng chung", app
            )
