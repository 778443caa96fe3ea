"""What processes know of provinces and their Zalo apps: immutable, made by `registry` from its rows, swapped whole."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from govchat.kit import clock
from govchat.tenants.manifest import Manifest

PkceMode = Literal["per_request", "fixed", "none"]


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A Zalo app with its open secrets; never printed."""

    app_id: str
    key: str
    app_secret: str | None
    oa_secret: str | None
    enforce: bool
    requests_per_minute: int
    pkce_mode: PkceMode = "per_request"
    pkce_verifier: str | None = None

    def __repr__(self) -> str:
        return f"App(app_id={self.app_id!r}, key={self.key!r})"


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A province as processes see it."""

    id: UUID
    slug: str
    key_tag: str
    full_name: str
    state: str
    oa_id: str
    app: App
    manifest: Manifest
    former_app: App | None = None
    former_app_until: datetime | None = None

    def is_served_by(self, app: App) -> bool:
        """Whether events of this tenant may arrive through `app`: its own, or the one it moved away from a while ago."""
        if app.app_id == self.app.app_id:
            return True
        until = self.former_app_until
        return (
            self.former_app is not None
            and app.app_id == self.former_app.app_id
            and (until or clock.now()) > clock.now()
        )

    @property
    def webhook_path(self) -> str:
        return f"/webhooks/zalo/{self.app.key}"

    @property
    def speaks(self) -> bool:
        """Whether its citizens are answered at all."""
        return self.state in ("trial", "live")

    def __repr__(self) -> str:
        return f"Tenant({self.slug!r})"


class Snapshot(msgspec.Struct, frozen=True):
    """The whole registry at one moment."""

    stamp: tuple[Any, ...]
    apps: dict[str, App]
    tenants: dict[UUID, Tenant]
    by_oa: dict[str, Tenant]
    by_slug: dict[str, Tenant]
    by_tag: dict[str, Tenant]
    of_app: dict[str, tuple[Tenant, ...]]
    h_codes: dict[str, Tenant]
    by_app_id: dict[str, App] = msgspec.field(default_factory=dict)


def h_codes_of(tenants: list[Tenant]) -> dict[str, Tenant]:
    """Who answers for which letter code today."""
    today = clock.now().astimezone(clock.VN).date()
    return {
        h_code.code: tenant
        for tenant in tenants
        if tenant.state != "closed"
        for h_code in tenant.manifest.h_codes
        if h_code.holds_on(today)
    }
