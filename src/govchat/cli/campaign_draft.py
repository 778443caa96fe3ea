"""What `govchat campaign new` was given, made into a draft."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from govchat.cli.campaign_inside import in_one
from govchat.cli.campaign_unfit import unfit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from govchat.campaigns.schemas import CampaignOut
    from govchat.kit.crypto import TenantVault
    from govchat.tenants.registry import Registry, Tenant

EVERYBODY, SOME = '{"all_followers": true}', '{"segment": {"communes": ["Phường 1"]}}'


async def draft_from(
    registry: "Registry",
    slug: str,
    asked: dict[str, Any],
    sheet_file: Path | None,
    picture: Path | None,
    send_at: "datetime | None",
    who: str,
) -> "CampaignOut":
    """Keep the draft with its list and picture; what is wrong with lines of the list goes to standard error."""
    import msgspec

    from govchat.campaigns import lists, pictures, sheet
    from govchat.campaigns.draft import draft
    from govchat.campaigns.schemas import CampaignIn
    from govchat.kit.clock import VN
    from govchat.procedures.book import Book

    book = Book(registry.db, registry)
    await book.load()
    lines = sheet.read(sheet_file.read_bytes()) if sheet_file else None  # noqa: ASYNC240

    async def act(session: "AsyncSession", vault: "TenantVault", tenant: "Tenant") -> "CampaignOut":
        if lines is not None:
            kept = await lists.take(session, vault, tenant.id, asked["name"], lines, actor=who)
            for problem in kept.problems:
                click.echo(f"{sheet_file}:{problem.line} {problem.problem}", err=True)
            asked["audience"].setdefault("segment", {})["list_id"] = str(kept.list_id)
            asked["audience"].pop("all_followers", None)
        if picture is not None:
            held = await pictures.keep(session, vault, tenant.id, picture.read_bytes(), actor=who)  # noqa: ASYNC240
            asked["message"]["picture_id"] = str(held.picture_id)
        if send_at is not None:
            asked["send_at"] = send_at.replace(tzinfo=VN).isoformat()
        try:
            data = msgspec.convert(asked, CampaignIn, strict=False)
        except msgspec.ValidationError as error:
            raise unfit(str(error), asked) from None
        insecure = not registry.settings.is_production
        return await draft(session, vault, tenant.id, data, book.of(tenant.id), actor=who, allow_insecure=insecure)

    return await in_one(registry, slug, act)


def link(given: str) -> dict[str, str]:
    """A button from `TITLE=URL`."""
    title, equals, url = given.partition("=")
    if not equals:
        raise click.BadParameter(f'"{given}": cần TIÊU ĐỀ=ĐỊA CHỈ, như Điểm sơ tán=https://…', param_hint="--button")
    return {"title": title.strip(), "url": url.strip()}


def template(template_id: str | None, values: Sequence[str]) -> dict[str, Any]:
    """A template and its parameters from `NAME=TEXT`."""
    if template_id is None:
        raise click.BadParameter("cần có --template ID", param_hint="--value")
    data: dict[str, str] = {}
    for given in values:
        name, equals, value = given.partition("=")
        if not equals:
            raise click.BadParameter(f'"{given}": cần TÊN=GIÁ TRỊ, như ho_ten={{ten}}', param_hint="--value")
        data[name.strip()] = value.strip()
    return {"template_id": template_id, "data": data}


def audience(given: str | None) -> dict[str, Any]:
    """An audience from its JSON; all followers without."""
    import msgspec

    if given is None:
        return {"all_followers": True}
    try:
        read = msgspec.json.decode(given)
    except msgspec.DecodeError as error:
        raise click.BadParameter(
            f"không phải JSON ({error}): cần như {EVERYBODY} hoặc {SOME}", param_hint="--audience"
        ) from None
    if not isinstance(read, dict):
        raise click.BadParameter(f"cần một đối tượng JSON, như {EVERYBODY} hoặc {SOME}", param_hint="--audience")
    return read


def article(file: Path) -> Any:
    """An article from its JSON file."""
    import msgspec

    try:
        return msgspec.json.decode(file.read_bytes())
    except msgspec.DecodeError as error:
        raise click.BadParameter(f"{file}: không phải JSON ({error})", param_hint="--article") from None
