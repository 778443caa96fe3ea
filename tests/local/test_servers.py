"""Servers that the operator names: one that doesn't answer is named without its password, one that does is accepted."""

import pytest
from tests.stack import start_services

from govchat.errors import ConfigurationError
from govchat.local import ports, steps


async def test_running_servers_are_accepted():
    services = start_services()
    await steps.check_postgres(services.postgres_url)
    await steps.check_redis(services.valkey_url)


async def test_a_postgres_that_does_not_answer_is_named_without_its_password():
    port = ports.free_port()
    with pytest.raises(ConfigurationError, match=rf"postgresql://127\.0\.0\.1:{port}/govchat: no connection") as caught:
        await steps.check_postgres(f"postgresql://owner:hidden@127.0.0.1:{port}/govchat")
    assert "hidden" not in str(caught.value)


async def test_a_wrong_password_is_refused_without_being_shown():
    url = start_services().postgres_url.replace("postgres:throw-away", "postgres:hidden")
    with pytest.raises(ConfigurationError, match="no connection") as caught:
        await steps.check_postgres(url)
    assert "hidden" not in str(caught.value)


async def test_a_redis_that_does_not_answer_is_named_without_its_password():
    port = ports.free_port()
    with pytest.raises(ConfigurationError, match=rf"redis://127\.0\.0\.1:{port}/0: no connection") as caught:
        await steps.check_redis(f"redis://:hidden@127.0.0.1:{port}/0")
    assert "hidden" not in str(caught.value)
