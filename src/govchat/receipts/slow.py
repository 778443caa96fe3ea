"""How often one address may ask for status pages, counted in Redis by the minute.

Genuine tokens and guesses are counted apart, so that a guesser behind a mobile network's shared address can't shut others out. Guessing is
hopeless anyway (64 bits that only an answer of ours can test); what is bounded here is the load.
"""

import hmac
import time
from collections import Counter
from ipaddress import IPv6Address, ip_address

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

WINDOW_S = 60
GENUINE_A_MINUTE = 240
GUESSES_A_MINUTE = 20
# Without Redis each process counts for itself; more addresses than this begin a new count.
MOST_ADDRESSES = 10_000


class Pace:
    """The counts of this process or of all of them, by a keyed hash of the address: addresses themselves are kept nowhere."""

    def __init__(self, redis: "Redis", key: bytes) -> None:
        self._redis = redis
        self._key = key
        self._local: Counter[str] = Counter()
        self._minute = 0

    async def wait(self, address: str, *, genuine: bool) -> int:
        """Count one request; answers 0 when it may be served, else how many seconds to wait."""
        now = time.time()
        minute, wait_s = int(now // WINDOW_S), WINDOW_S - int(now) % WINDOW_S
        name = f"govchat:q:{minute}:{'g' if genuine else 'x'}:{self._hashed(address)}"
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.incr(name)
                pipe.expire(name, WINDOW_S * 2)
                count, _ = await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("receipts.redis_away", error=type(error).__name__)
            count = self._count_here(minute, name)
        return wait_s if int(count) > (GENUINE_A_MINUTE if genuine else GUESSES_A_MINUTE) else 0

    def _count_here(self, minute: int, name: str) -> int:
        if minute != self._minute or len(self._local) >= MOST_ADDRESSES:
            self._local.clear()
            self._minute = minute
        self._local[name] += 1
        return self._local[name]

    def _hashed(self, address: str) -> str:
        return hmac.digest(self._key, _network(address).encode(), "sha256")[:12].hex()


def _network(address: str) -> str:
    """An IPv4 address, or the /64 that one IPv6 subscriber has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return parsed.packed[:8].hex()
    return str(parsed)
