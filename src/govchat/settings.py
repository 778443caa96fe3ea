"""Settings: one frozen struct read from the environment at the edge of a process and handed down.

Nothing else reads the environment. `docs/operations.md` lists every variable.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

import msgspec

from govchat.errors import ConfigurationError

ZALO_OPENAPI_URL = "https://openapi.zalo.me"
ZALO_OAUTH_URL = "https://oauth.zaloapp.com"
ZALO_BUSINESS_URL = "https://business.openapi.zalo.me"

# Used in development when no master key is configured; production refuses it.
DEVELOPMENT_MASTER_KEY = "development-master-key-not-for-production"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process needs to know of its surroundings. URLs are without a trailing slash."""

    env: Literal["development", "production"] = "development"
    database_url: str = ""
    migration_database_url: str = ""
    redis_url: str = ""
    master_keys: tuple[str, ...] = ()
    public_url: str = "http://127.0.0.1:8000"
    tenants_dir: Path = Path("tenants")
    files_url: str = ""
    zalo_openapi_url: str = ZALO_OPENAPI_URL
    zalo_oauth_url: str = ZALO_OAUTH_URL
    zalo_business_url: str = ZALO_BUSINESS_URL
    # Networks that callbacks may reach besides public addresses, such as 10.20.0.0/16.
    callback_allow: tuple[str, ...] = ()
    # tcp://host:3310 or unix:///path of a clamd that sees every file first.
    clamd: str = ""
    data_dir: Path = Path(".govchat")
    log_format: Literal["json", "console"] = "json"

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read `GOVCHAT_*` from `environ`; raises `ConfigurationError` that names the variable and the way out."""
        given = {
            name: environ[f"GOVCHAT_{name.upper()}"].strip()
            for name in cls.__struct_fields__
            if environ.get(f"GOVCHAT_{name.upper()}", "").strip()
        }
        env = given.get("env", "development")
        if env not in ("development", "production"):
            raise ConfigurationError(f'GOVCHAT_ENV "{env}": expected development or production')
        log_format = given.get("log_format", "json")
        if log_format not in ("json", "console"):
            raise ConfigurationError(f'GOVCHAT_LOG_FORMAT "{log_format}": expected json or console')
        keys = tuple(key.strip() for key in given.get("master_keys", "").split(",") if key.strip())
        if env == "production":
            if not keys:
                raise ConfigurationError(
                    "GOVCHAT_MASTER_KEYS is not set: production needs at least one master key of 32 random bytes in base64, "
                    "newest first; make one with: openssl rand -base64 32"
                )
            if DEVELOPMENT_MASTER_KEY in keys:
                raise ConfigurationError("GOVCHAT_MASTER_KEYS holds the development key: production refuses it")
        return cls(
            env=cast('Literal["development", "production"]', env),
            database_url=given.get("database_url", ""),
            migration_database_url=given.get("migration_database_url", ""),
            redis_url=given.get("redis_url", ""),
            master_keys=keys or (DEVELOPMENT_MASTER_KEY,),
            public_url=given.get("public_url", "http://127.0.0.1:8000").rstrip("/"),
            tenants_dir=Path(given.get("tenants_dir", "tenants")),
            files_url=given.get("files_url", ""),
            zalo_openapi_url=given.get("zalo_openapi_url", ZALO_OPENAPI_URL).rstrip("/"),
            zalo_oauth_url=given.get("zalo_oauth_url", ZALO_OAUTH_URL).rstrip("/"),
            zalo_business_url=given.get("zalo_business_url", ZALO_BUSINESS_URL).rstrip("/"),
            callback_allow=_networks(given.get("callback_allow", "")),
            clamd=_scanner(given.get("clamd", "")),
            data_dir=Path(given.get("data_dir", ".govchat")),
            log_format=cast('Literal["json", "console"]', log_format),
        )


def _networks(given: str) -> tuple[str, ...]:
    """The networks of GOVCHAT_CALLBACK_ALLOW, comma-separated; raises `ConfigurationError` naming the one that is none."""
    found = [each.strip() for each in given.split(",") if each.strip()]
    for each in found:
        try:
            ip_network(each)
        except ValueError:
            raise ConfigurationError(
                f'GOVCHAT_CALLBACK_ALLOW "{each}": expected networks such as 10.20.0.0/16,192.168.7.12/32'
            ) from None
    return tuple(found)


def _scanner(given: str) -> str:
    """GOVCHAT_CLAMD as it is; raises `ConfigurationError` for what is no address of a clamd."""
    parts = urlsplit(given)
    if given and not {"tcp": parts.hostname, "unix": parts.path}.get(parts.scheme):
        raise ConfigurationError(f'GOVCHAT_CLAMD "{given}": expected tcp://host:3310 or unix:///run/clamd.sock')
    return given
