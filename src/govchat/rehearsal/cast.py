"""Who takes part: the province as its manifest says, two made-up neighbours that must not notice anything, citizens, dossiers.

Everything is computed from the manifest; nothing is read from a database.
"""

import re
from collections.abc import Container, Sequence
from datetime import date

import msgspec

from govchat.errors import ConfigurationError
from govchat.local.samples import SampleDossier, generate
from govchat.procedures.catalogue import starter
from govchat.simulator.world import AppConfig, OaConfig, Options, World
from govchat.tenants.schema import Contact, HCode, Lineage, Manifest, QuietHours, Zalo

NEIGHBOURS_FOLLOWERS = 5
# The rehearsal talks with 200 people within seconds: the smaller package's 100 requests a minute would make it take a quarter of an hour.
REQUESTS_PER_MINUTE = 2_000
# Codes of real provinces, two of which are not the province's own, so that the neighbours' dossiers are real ones.
_NEIGHBOURS = (("lang-gieng-mot", "Láng Giềng Một"), ("lang-gieng-hai", "Láng Giềng Hai"))
IN_PROGRESS = 4


class Size(msgspec.Struct, frozen=True):
    """How many take part. `few` of the citizens ask something odd, or in the middle of a fault; at least 20 citizens."""

    citizens: int = 200
    dossiers: int = 1_000

    @property
    def few(self) -> int:
        return self.citizens // 10


FULL, SMALL = Size(), Size(citizens=20, dossiers=120)


class Difference(msgspec.Struct, frozen=True):
    """What the rehearsal sets otherwise than the manifest, and why; Vietnamese."""

    field: str
    real: str
    rehearsed: str
    why: str


class Citizen(msgspec.Struct, frozen=True):
    """One of the citizens, with the dossier that is theirs and another one that they will ask for during the outage."""

    user_id: str
    dossier: SampleDossier
    other: SampleDossier


class Cast(msgspec.Struct, frozen=True):
    """Everybody and everything, before the curtain rises."""

    size: Size
    manifest: Manifest
    neighbours: tuple[Manifest, ...]
    differences: tuple[Difference, ...]
    dossiers: tuple[SampleDossier, ...]
    citizens: tuple[Citizen, ...]


def cast_for(manifest: Manifest, today: date, size: Size = FULL) -> Cast:
    """The cast of a province; raises `ConfigurationError` when it has no dossier code of its own today."""
    scratch, differences = _for_the_scratch(manifest)
    dossiers = dossiers_of(manifest, today, size.dossiers)
    own = [each for each in dossiers if each.status == IN_PROGRESS]
    citizens = tuple(
        Citizen(f"cong-dan-{number + 1:03}", own[number], dossiers[-1 - number]) for number in range(size.citizens)
    )
    return Cast(size, scratch, _neighbours_of(scratch), differences, dossiers, citizens)


def _for_the_scratch(manifest: Manifest) -> tuple[Manifest, tuple[Difference, ...]]:
    zalo, quiet = manifest.zalo, manifest.quiet_hours
    differences = []
    if zalo.requests_per_minute != REQUESTS_PER_MINUTE:
        differences.append(
            Difference(
                "zalo.requests_per_minute",
                str(zalo.requests_per_minute),
                str(REQUESTS_PER_MINUTE),
                f"với {zalo.requests_per_minute} lượt mỗi phút, câu chuyện này kéo dài khoảng 15 phút",
            )
        )
    if zalo.app_requests_per_minute < REQUESTS_PER_MINUTE:
        differences.append(
            Difference(
                "zalo.app_requests_per_minute",
                str(zalo.app_requests_per_minute),
                str(REQUESTS_PER_MINUTE),
                "để câu chuyện này không phải chờ hạn mức của ứng dụng",
            )
        )
    if zalo.signature != "enforce":
        differences.append(
            Difference("zalo.signature", zalo.signature, "enforce", "để thấy sự kiện sai chữ ký bị từ chối")
        )
    if zalo.pkce_mode == "fixed":
        differences.append(
            Difference(
                "zalo.pkce_mode", "fixed", "per_request", "mã PKCE cố định là khóa bí mật thật, diễn tập không mở"
            )
        )
    if quiet.from_ != quiet.to:
        differences.append(
            Difference("quiet_hours", f"{quiet.from_}-{quiet.to}", "không nghỉ", "để diễn tập được vào ban đêm")
        )
    wired = msgspec.structs.replace(
        zalo,
        requests_per_minute=REQUESTS_PER_MINUTE,
        app_requests_per_minute=max(zalo.app_requests_per_minute, REQUESTS_PER_MINUTE),
        signature="enforce",
        pkce_mode="per_request" if zalo.pkce_mode == "fixed" else zalo.pkce_mode,
    )
    never = QuietHours(from_="00:00", to="00:00")
    return msgspec.structs.replace(manifest, zalo=wired, quiet_hours=never), tuple(differences)


def _neighbours_of(manifest: Manifest) -> tuple[Manifest, ...]:
    """Two provinces that nothing may reach; the first is on the same Zalo app where the province shares one."""
    taken = {code.code for code in manifest.h_codes}
    free = [f"H{number:02}" for number in range(63, 0, -1) if f"H{number:02}" not in taken]
    made = []
    for number, (slug, name) in enumerate(_NEIGHBOURS):
        shared = manifest.zalo.app if number == 0 else None
        made.append(
            Manifest(
                slug=slug if slug != manifest.slug else f"{slug}-x",
                name=name,
                full_name=f"Tỉnh {name}",
                type="province",
                official_code=f"{number + 1:02}",
                official_code_vintage=manifest.official_code_vintage,
                zalo=Zalo(
                    app_id=manifest.zalo.app_id if shared else _other_id(manifest.zalo.app_id, number),
                    oa_id=_other_id(manifest.zalo.oa_id, number),
                    app=shared,
                    app_requests_per_minute=manifest.zalo.app_requests_per_minute,
                ),
                h_codes=(HCode(code=free[number], of=name, legacy_slug=slug, kind="own"),),
                contact=Contact(),
                lineage=Lineage(),
                quiet_hours=manifest.quiet_hours,
            )
        )
    return tuple(made)


def _other_id(given: str, number: int) -> str:
    """An id of the same shape that is not the given one."""
    return f"9{number}{given[2:][::-1]}" if given[:2] != f"9{number}" else f"8{number}{given[2:][::-1]}"


def dossiers_of(manifest: Manifest, today: date, count: int) -> tuple[SampleDossier, ...]:
    """The first `count` sample dossiers of a province; raises `ConfigurationError`."""
    codes = [code for code in manifest.h_codes if code.holds_on(today)]
    own = next((code.code for code in codes if code.kind == "own"), None)
    if own is None:
        raise ConfigurationError(
            f'tenant "{manifest.slug}": no dossier code of kind "own" holds today; add one under [[h_codes]] in its manifest'
        )
    # People are made from the codes of 2020, H01 to H63; a newer code only changes how the dossier is called.
    known = own if re.fullmatch(r"H(0[1-9]|[1-5]\d|6[0-3])", own) else "H01"
    made = generate(manifest.slug, known, (), today, count)
    return tuple(msgspec.structs.replace(each, code=own + each.code[len(known) :]) for each in made)


def world_of(manifests: Sequence[Manifest], public_url: str) -> World:
    """The false Zalo of these provinces, with development credentials."""
    apps: dict[str, AppConfig] = {}
    for manifest in manifests:
        zalo = manifest.zalo
        apps.setdefault(
            zalo.app_id,
            AppConfig(
                zalo.app_id,
                f"dev-app-secret:{zalo.app_id}",
                f"dev-oa-secret:{zalo.app_id}",
                manifest.app_key,
                f"{public_url}{manifest.webhook_path}",
                zalo.app_requests_per_minute,
            ),
        )
    oas = [
        OaConfig(
            manifest.zalo.oa_id,
            manifest.zalo.app_id,
            f"Hành chính công {manifest.full_name}",
            manifest.slug,
            manifest.zalo.requests_per_minute,
        )
        for manifest in manifests
    ]
    # Zalo waits two seconds for a webhook; here one process plays Zalo, the API and both workers, on a machine that may be busy.
    return World(list(apps.values()), oas, options=Options(webhook_timeout=10.0))


class Catalogue(msgspec.Struct, frozen=True):
    """A file as an office keeps it: `good` rows to be taken, `bad` lines to be named; `code` has the figures to be seen and told."""

    file: bytes
    good: int
    bad: tuple[int, ...]
    code: str
    name: str
    address: str
    fee: int
    time: str
    paper: str


def catalogue(own: Container[str] = ()) -> Catalogue:
    """Six procedures with figures of the province's own, and one row that is no procedure.

    None of `own`, of which the province's folder says something itself.
    """
    chosen = [each for each in starter() if each.code.count(".") == 1 and each.code not in own][:6]
    address, time, paper = "Quầy 12, Trung tâm Phục vụ hành chính công", "6 ngày làm việc", "Bản khai của buổi diễn tập"
    lines = ["Mã thủ tục;Tên thủ tục;Phí, lệ phí;Địa chỉ tiếp nhận;Thời hạn giải quyết;Thành phần hồ sơ"]
    lines += [
        f"{each.code};{(each.official_name or each.name).replace(';', ',')};{12_000 + 1_000 * number} đồng;{address};{time};{paper}"
        for number, each in enumerate(chosen)
    ]
    lines.append("không phải mã;Dòng này sai để xem có được nêu ra không;0 đồng;;;")
    return Catalogue(
        file=("\ufeff" + "\r\n".join(lines) + "\r\n").encode(),
        good=len(chosen),
        bad=(len(lines),),
        code=chosen[0].code,
        name=chosen[0].name,
        address=address,
        fee=12_000,
        time=time,
        paper=paper,
    )
