"""Every metric of the house, declared once, and how they reach `/metrics` from all processes.

Workers serve nothing: each puts a `snapshot` of its registry where the API can read it (Redis, with a TTL), and the API
renders its own registry merged with theirs. Tenants are the only label from outside and are bounded by `tenant_label`.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from govchat.obs.snapshots import merge, snapshot

Metric = TypeVar("Metric", Counter, Gauge, Histogram)

REGISTRY = CollectorRegistry()
ProcessCollector(namespace="govchat", registry=REGISTRY)

# From a fast local answer to the promise's end: 95 % within 10 s, 99 % within 60 s lie in named buckets.
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"govchat_{name}", what, labels, registry=REGISTRY)


def _gauge(name: str, what: str, *labels: str) -> Gauge:
    return Gauge(f"govchat_{name}", what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
    return Histogram(f"govchat_{name}", what, labels, buckets=buckets, registry=REGISTRY)


# The way in
WEBHOOK_EVENTS = _counter(
    "webhook_events",
    "Webhook requests by outcome: stored, duplicate, probe, unreadable, unrouted, oa_refused, unknown_key",
    "tenant",
    "outcome",
)
WEBHOOK_SIGNATURES = _counter(
    "webhook_signatures", "Webhook signatures by result: valid, invalid, missing", "app", "result"
)
WEBHOOK_BATCH = _histogram(
    "webhook_batch_events", "Events stored by one insert", buckets=(1, 2, 5, 10, 25, 50, 100, 250)
)
INBOX_LAG = _gauge("inbox_lag_seconds", "Age of the oldest event that is due, over all tenants")
INBOX_SECONDS = _histogram("inbox_seconds", "From a stored event to its being worked off")
INBOX_FAILURES = _counter(
    "inbox_failures", "Events that could not be worked off: pending again, or parked", "tenant", "state"
)

# Dossiers
DOSSIERS = _counter(
    "dossiers", "What was told of dossiers by outcome: created, updated, unchanged, stale, refused", "tenant", "outcome"
)
DOSSIER_FLAGS = _counter(
    "dossier_flags", "Changes of dossiers that the law does not know or that came late, by flag", "tenant", "flag"
)

# Notices
NOTICES = _counter(
    "notices", "Decisions on notices: the channel chosen, none (nobody to be reached), withheld, test", "outcome"
)
PROMISE = _gauge(
    "notices_promise_share", "Share of today's notices that Zalo had within so many seconds", "tenant", "seconds"
)
PROMISE_ACCEPTED = _gauge("notices_promise_accepted", "Notices of today that the promise counts", "tenant")

# The answer
ANSWERS = _counter("conversation_answers", "Messages put as answers, by event", "tenant", "event")

# The way out
OUTBOX_LAG = _gauge("outbox_lag_seconds", "Age of the oldest message that is due, over all tenants")
OUTBOX_SETTLED = _counter(
    "outbox_settled", "Uncertain messages settled: sent, repeated, uncertain for good", "tenant", "outcome"
)
SENDS = _counter("sends", "Attempts to send by kind of message and outcome", "tenant", "kind", "outcome")
SEND_SECONDS = _histogram("send_seconds", "One call to Zalo, from request to answer", "kind")
ACCEPTED_SECONDS = _histogram(
    "webhook_to_accepted_seconds", "From a citizen's event to Zalo's acceptance of its answer"
)
TOKEN_REFRESHES = _counter("token_refreshes", "Refreshes of access tokens by outcome", "tenant", "outcome")
BUCKET_DENIALS = _counter("bucket_denials", "Sends put off because a rate bucket was empty", "tenant", "bucket")

# What people must see to
INCIDENTS_OPEN = _gauge("incidents_open", "Incidents that are open, by what they are about", "tenant", "kind")

# The ground
DATABASE_UP = _gauge("database_up", "Whether the process reached PostgreSQL when it last looked")
REDIS_UP = _gauge("redis_up", "Whether the process reached Redis when it last looked")
HEARTBEAT_AGE = _gauge("worker_heartbeat_age_seconds", "Time since a worker was last heard of", "worker")

MOST_TENANTS = 100
OTHER = "other"
_SLUG = re.compile(r"[a-z0-9-]{1,40}")
_tenants: set[str] = set()


def tenant_label(slug: str | None) -> str:
    """The label value of a tenant: its slug, or `other` for none, for what is no slug and for the 101st different one."""
    if slug in _tenants:
        return slug
    if slug is None or not _SLUG.fullmatch(slug) or len(_tenants) >= MOST_TENANTS:
        return OTHER
    _tenants.add(slug)
    return slug


@cache
def child(metric: Metric, *labels: str) -> Metric:
    """The metric of these label values, found once: for hot paths. Values come from `tenant_label` and from fixed lists."""
    return metric.labels(*labels)


def render(snapshots: Iterable[bytes] = (), part: str = "api") -> tuple[bytes, str]:
    """The answer of `/metrics` and its content type: this process's metrics merged with the snapshots of others."""
    return merge([snapshot(REGISTRY, part), *snapshots]).encode(), CONTENT_TYPE_LATEST
