"""The simulator's world, made from the manifests: every app and Official Account with its development credentials."""

from govchat.errors import ConfigurationError
from govchat.settings import Settings
from govchat.simulator.world import AppConfig, OaConfig, World
from govchat.tenants.manifest import read_all


def build_world(settings: Settings) -> World:
    """All provinces of `settings.tenants_dir`; their webhooks go to `settings.public_url`."""
    book = read_all(settings.tenants_dir)
    if book.findings:
        raise ConfigurationError(
            "the manifests have mistakes:\n" + "\n".join(str(finding) for finding in book.findings)
        )
    apps: dict[str, AppConfig] = {}
    oas: list[OaConfig] = []
    for manifest in book.manifests:
        zalo = manifest.zalo
        apps.setdefault(
            zalo.app_id,
            AppConfig(
                app_id=zalo.app_id,
                app_secret=f"dev-app-secret:{zalo.app_id}",
                oa_secret=f"dev-oa-secret:{zalo.app_id}",
                name=manifest.app_key,
                webhook_url=f"{settings.public_url}{manifest.webhook_path}",
                requests_per_minute=zalo.app_requests_per_minute,
            ),
        )
        oas.append(
            OaConfig(
                oa_id=zalo.oa_id,
                app_id=zalo.app_id,
                name=f"Hành chính công {manifest.full_name}",
                slug=manifest.slug,
                requests_per_minute=zalo.requests_per_minute,
                refresh_token=f"dev-refresh:{zalo.oa_id}",
            )
        )
    return World(list(apps.values()), oas)
