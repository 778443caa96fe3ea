"""Nothing secret is logged, shown or put into an error, on the roads where something goes wrong."""

import traceback
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.cli.conftest import run
from tests.connect.conftest import Ground
from tests.connect.test_consent import come_back, consent_at_zalo, link

from govchat.connect.keep import keep, keep_token
from govchat.kit import clock
from govchat.kit.crypto import SealBroken
from govchat.simulator.faults import Fault
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked
from govchat.tenants.tokens import token_context


async def test_no_secret_is_in_any_log_page_error_or_record(ground: Ground, capfd: pytest.CaptureFixture[str]) -> None:
    slug, other = "an-giang", "lai-chau"
    tenant = ground.tenant(slug)
    secrets = {
        tenant.app.app_secret or "?", tenant.app.oa_secret or "?", f"dev-refresh:{tenant.oa_id}", "Vr7kQ2-very_hidden.9",
        *ground.house.settings.master_keys,
    }  # fmt: skip
    shown: list[str] = []

    async def fails(kind: type[Exception], **how: int) -> None:
        with pytest.raises(kind) as caught:
            await ground.fresh_credentials().access(tenant, **how)
        shown.append("".join(traceback.format_exception(caught.value)))

    access = await ground.fresh_credentials().access(tenant)
    secrets.add(access.token)
    for fault in (Fault(kind="http", status=500, call="token"), Fault(kind="reset", call="token")):
        rule = ground.world.faults.add(fault)
        await fails(CredentialBusy, not_generation=1)
        ground.world.faults.remove(rule.id)
        with clock.shifted(timedelta(minutes=2)):
            await keep_token(ground.hands, tenant)
    ground.world.faults.add(Fault(kind="reply_lost", call="token", count=1))
    with clock.shifted(timedelta(minutes=4)):
        await fails(CredentialRevoked, not_generation=1)
    url = await link(ground, slug)
    shown.append(url)
    for chosen in (tenant.oa_id, tenant.oa_id):
        address = await consent_at_zalo(ground, url, chosen)
        secrets.add(parse_qs(urlsplit(address).query)["code"][0])
        _, said = await come_back(ground, address)
        shown.append(said)
    vault = await ground.hands.registry.tenant_vault(tenant.id)
    others = await ground.hands.registry.tenant_vault(ground.tenant(other).id)
    row = await ground.credential(slug)
    for column in ("access_token", "refresh_token"):
        sealed, context = getattr(row, f"{column}_sealed"), token_context(tenant.oa_id, column)
        secrets.add(vault.open(sealed, context).decode())
        with pytest.raises(SealBroken) as broken:
            others.open(sealed, context)
        shown.append(str(broken.value))
    for words in (("secret", "set", slug, "app-secret"), ("secret", "rotate"), ("tenant", "show", slug, "--json")):
        shown.append((await run(ground.house.settings, *words, given="Vr7kQ2-very_hidden.9")).everything)
    await ground.hands.registry.load()
    await keep(ground.hands)  # now with a wrong app secret
    records = await ground.ask(slug, "SELECT row_to_json(a)::text AS told FROM audit_entries a")
    records += await ground.ask(slug, "SELECT row_to_json(i)::text AS told FROM incidents i")
    records += await ground.ask(slug, "SELECT told FROM oa_consents WHERE told IS NOT NULL")
    records += await ground.ask(slug, "SELECT refusal AS told FROM oa_credentials WHERE refusal IS NOT NULL")
    everything = "\n".join([*shown, *(row.told for row in records), *capfd.readouterr()])
    assert "credential.refused" in everything
    assert {secret for secret in secrets if secret in everything} == set()
