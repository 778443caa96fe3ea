"""Every metric of the house in one place, on a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

webhook_events = Counter("govchat_webhook_events", "Events received", ["tenant", "outcome"], registry=REGISTRY)
webhook_signatures = Counter("govchat_webhook_signatures", "Signature checks", ["app", "variant"], registry=REGISTRY)
inbox_lag_seconds = Histogram(
    "govchat_inbox_lag_seconds", "Received to worked off", ["tenant"], buckets=SECONDS, registry=REGISTRY
)
inbox_failures = Counter("govchat_inbox_failures", "Events that failed", ["tenant", "state"], registry=REGISTRY)
sends = Counter("govchat_sends", "Attempts to send", ["tenant", "outcome"], registry=REGISTRY)
send_seconds = Histogram("govchat_send_seconds", "Zalo's answer time", ["tenant"], buckets=SECONDS, registry=REGISTRY)
put_to_accepted_seconds = Histogram(
    "govchat_put_to_accepted_seconds",
    "Put into the outbox to accepted by Zalo",
    ["tenant"],
    buckets=SECONDS,
    registry=REGISTRY,
)
bucket_waits = Counter("govchat_bucket_waits", "Waits for a rate window", ["tenant"], registry=REGISTRY)
settled = Counter("govchat_settled", "Uncertain messages settled", ["tenant", "outcome"], registry=REGISTRY)
token_refreshes = Counter("govchat_token_refreshes", "Token rotations", ["tenant", "outcome"], registry=REGISTRY)
heartbeat_age_seconds = Gauge(
    "govchat_heartbeat_age_seconds", "Age of a process's heartbeat", ["part"], registry=REGISTRY
)
