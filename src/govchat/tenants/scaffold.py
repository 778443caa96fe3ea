"""A new tenant's folder to fill in: `tenants/SLUG/` with what is known of the 34 provinces, and marked places for the rest.

A place to fill in is a text in angle brackets; checking the manifest names each with its line until none is left.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from govchat.errors import DomainError
from govchat.kit.oserror import reason
from govchat.tenants.schema import MANIFEST_FILE, SCHEMA_FILE, json_schema
from govchat.tenants.terms import Slug
from govchat.tenants.write import manifest_text, string

WORDING_FILE = "wording.toml"

_CONTACT_HINTS = (
    'hotline = "1022"',
    'email = "hotro@…gov.vn"',
    'address = "…"',
)
_AGENCY_HINTS = (
    'address = "…"  # địa chỉ tiếp nhận, khi đã chắc chắn',
    'phone = "…"',
    'dossier_units = ["H00.12"]  # phần đầu mã hồ sơ của cơ quan này',
    "[agencies.hours]  # chỉ khi khác giờ làm việc chung",
    'morning = "07:00-11:30"',
    'afternoon = "13:30-17:00"',
    'saturday = "07:30-11:30"',
)
_WORDING = """\
# Lời nhắn riêng của {slug}; câu nào không ghi ở đây thì dùng câu chung của sản phẩm.
# Xem các câu và chỗ điền: govchat wording show {slug}
# Xem thử một câu: govchat wording preview {slug} front.greeting
#
# [front]
# greeting = "Xin chào anh/chị! Anh/chị nhắn mã hồ sơ để xem tình trạng, hoặc chọn một mục bên dưới."
"""


class TenantFolderRefused(DomainError):
    """No folder can be made for that name."""

    status = 409
    code = "tenant_folder_refused"
    title = "The tenant's folder can't be made"


class Made(msgspec.Struct, frozen=True):
    """The files that were written, and whether the tenant is one of the 34 that are known."""

    files: tuple[Path, ...]
    known: bool


@cache
def known_provinces() -> dict[str, dict[str, Any]]:
    """Identity, lineage and H codes of the 34 provinces and cities, by slug; dated, as Decision 19/2025/QĐ-TTg lists them."""
    raw = files("govchat.tenants").joinpath("data/provinces.json").read_bytes()
    return {each["slug"]: each for each in json.loads(raw)}


def former_unit(slug: str) -> str | None:
    """The full name of the province that a former one of that slug lives on in; None when it is no former one."""
    if slug in known_provinces():
        return None
    return next(
        (
            str(each["full_name"])
            for each in known_provinces().values()
            if slug in {former["slug"] for former in each.get("lineage", {}).get("predecessors", ())}
        ),
        None,
    )


def scaffold(folder: Path, slug: str, *, app: str | None = None, app_id: str | None = None) -> Made:
    """Write `folder/slug/`; with `app` it joins that shared Zalo app. Raises `TenantFolderRefused`, and writes nothing then."""
    _refuse_bad_slug(slug, "SLUG")
    if app is not None:
        _refuse_bad_slug(app, "--app")
    home = folder / slug
    if home.exists():
        raise TenantFolderRefused(f'"{home}" đã có sẵn; sửa tệp trong đó, hoặc chọn tên khác')
    values = _values(slug, app, app_id)
    written = []
    try:
        home.mkdir(parents=True)
        for name, text in (
            (MANIFEST_FILE, manifest_text(values, hints={"contact": _CONTACT_HINTS, "agencies": _AGENCY_HINTS})),
            (WORDING_FILE, _WORDING.format(slug=slug)),
        ):
            (home / name).write_text(text, encoding="utf-8", newline="\n")
            written.append(home / name)
        schema = folder / SCHEMA_FILE
        if not schema.exists():
            schema.write_text(json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            written.append(schema)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        if home.is_dir():
            home.rmdir()
        raise TenantFolderRefused(
            f'không ghi được vào "{home}" ({reason(error)}); kiểm tra thư mục và quyền ghi'
        ) from None
    return Made(tuple(written), slug in known_provinces())


def _refuse_bad_slug(slug: str, what: str) -> None:
    try:
        msgspec.convert(slug, Slug)
    except msgspec.ValidationError:
        sound = False
    else:
        sound = not slug.endswith("\n")
    if not sound:
        raise TenantFolderRefused(
            f'{what} {string(slug[:60])}: cần chữ thường không dấu, chữ số và dấu gạch nối, tối đa 40 ký tự, ví dụ "dong-nai"'
        )


def _values(slug: str, app: str | None, app_id: str | None) -> dict[str, Any]:
    known = known_provinces().get(slug)
    values = dict(known) if known else _unknown(slug)
    unit = str(values["full_name"])
    named = unit[0].lower() + unit[1:] if known else None
    zalo: dict[str, Any] = {"app": app} if app else {}
    return {
        **{key: each for key, each in values.items() if key not in ("former_names", "lineage", "h_codes")},
        "former_names": values.get("former_names", []),
        "contact": {
            "organisation": f"Ủy ban nhân dân {named}" if named else "<cơ quan đứng tên Official Account>",
            "portal_url": "https://dichvucong.gov.vn",
        },
        "lineage": values.get("lineage", {}),
        "h_codes": values["h_codes"],
        "zalo": {
            **zalo,
            "app_id": app_id or "<ID ứng dụng Zalo>",
            "oa_id": "<OA ID>",
            "requests_per_minute": 2000,
            "app_requests_per_minute": 4000,
            "signature": "observe",
            "pkce_mode": "per_request",
        },
        "quiet_hours": {"from": "22:00", "to": "06:00"},
        "working_hours": {"morning": "07:30-11:30", "afternoon": "13:00-17:00"},
        "agencies": [{"code": "ttpvhcc", "name": centre_of(named)}],
    }


def centre_of(named: str | None) -> str:
    """The name of a province's public administration service centre."""
    return f"Trung tâm Phục vụ hành chính công {named}" if named else "<tên cơ quan tiếp nhận hồ sơ>"


def _unknown(slug: str) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": "<tên riêng, đủ dấu, không kèm chữ Tỉnh hay Thành phố>",
        "full_name": "<Tỉnh … hoặc Thành phố …>",
        "type": "<city hoặc province>",
        "official_code": "<mã hai chữ số>",
        "official_code_vintage": "19/2025/QĐ-TTg",
        "h_codes": [
            {
                "code": "<mã đứng đầu mã hồ sơ, như H19>",
                "of": "<tên đơn vị được cấp mã>",
                "legacy_slug": slug,
                "kind": "own",
            }
        ],
    }
