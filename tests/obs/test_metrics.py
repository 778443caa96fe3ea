"""Metrics of several processes: summed where sums mean something, kept apart where they do not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from govchat.obs import metrics
from govchat.obs.metrics import MOST_TENANTS, REGISTRY, render, tenant_label
from govchat.obs.snapshots import merge, snapshot


class Process:
    """A process with a few metrics of its own."""

    def __init__(self, buckets: tuple[float, ...] = (0.1, 1.0)) -> None:
        self.registry = CollectorRegistry()
        self.sends = Counter("sends", "Sends", ["tenant"], registry=self.registry)
        self.depth = Gauge("depth", "Depth", registry=self.registry)
        self.seconds = Histogram("seconds", "Seconds", registry=self.registry, buckets=buckets)


def read(text: str) -> dict[str, float]:
    """Sample name with labels → value."""
    return {
        sample.name + "".join(f"|{key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_add_up_and_gauges_stand_side_by_side() -> None:
    api, worker = Process(), Process()
    api.sends.labels("ha-noi").inc(2)
    worker.sends.labels("ha-noi").inc(3)
    worker.sends.labels("dong-nai").inc()
    api.depth.set(7)
    worker.depth.set(9)
    found = read(merge([snapshot(api.registry, "api"), snapshot(worker.registry, "worker")]))
    assert found["sends_total|tenant=ha-noi"] == 5
    assert found["sends_total|tenant=dong-nai"] == 1
    assert found["depth|part=api"] == 7
    assert found["depth|part=worker"] == 9
    assert "depth" not in found


def test_histograms_add_up_bucket_by_bucket() -> None:
    one, other = Process(), Process()
    for value in (0.05, 0.5, 5.0):
        one.seconds.observe(value)
    other.seconds.observe(0.05)
    found = read(merge([snapshot(one.registry, "a"), snapshot(other.registry, "b")]))
    assert found["seconds_bucket|le=0.1"] == 2
    assert found["seconds_bucket|le=1.0"] == 3
    assert found["seconds_bucket|le=+Inf"] == 4
    assert found["seconds_count"] == 4
    assert found["seconds_sum"] == pytest.approx(5.6)


def test_the_newer_snapshot_of_a_part_counts_whatever_the_order() -> None:
    process = Process()
    process.sends.labels("hue").inc()
    old = snapshot(process.registry, "worker")
    process.sends.labels("hue").inc()
    new = snapshot(process.registry, "worker")
    for order in ([old, new], [new, old], [new, new]):
        assert read(merge(order))["sends_total|tenant=hue"] == 2


def test_a_worker_that_starts_again_carries_on() -> None:
    first = Process()
    first.sends.labels("hue").inc(10)
    first.sends.labels("ha-noi").inc(4)
    first.seconds.observe(0.5)
    first.depth.set(99)
    last = snapshot(first.registry, "worker")
    second = Process()
    second.sends.labels("hue").inc(1)
    second.depth.set(1)
    found = read(merge([snapshot(second.registry, "worker", carried=last)]))
    assert found["sends_total|tenant=hue"] == 11
    assert found["sends_total|tenant=ha-noi"] == 4
    assert found["seconds_count"] == 1
    assert found["depth|part=worker"] == 1


def test_carrying_on_twice_counts_nothing_twice() -> None:
    process = Process()
    process.sends.labels("hue").inc(10)
    last = snapshot(process.registry, "worker")
    again = Process()
    for _ in range(3):
        again.sends.labels("hue").inc()
        packed = snapshot(again.registry, "worker", carried=last)
    assert read(merge([packed]))["sends_total|tenant=hue"] == 13


def test_what_a_former_version_counted_is_carried_too() -> None:
    former = CollectorRegistry()
    Counter("gone", "Removed since", registry=former).inc(3)
    found = read(merge([snapshot(Process().registry, "worker", carried=snapshot(former, "worker"))]))
    assert found["gone_total"] == 3


def test_histograms_of_two_versions_are_not_mixed() -> None:
    old, new = Process(buckets=(0.1, 1.0)), Process(buckets=(0.2, 2.0))
    old.seconds.observe(0.05)
    new.seconds.observe(0.05)
    found = read(merge([snapshot(old.registry, "a"), snapshot(new.registry, "b")]))
    assert found["seconds_count"] == 1
    assert {key for key in found if "le=" in key} == {
        "seconds_bucket|le=0.2",
        "seconds_bucket|le=2.0",
        "seconds_bucket|le=+Inf",
    }


@pytest.mark.parametrize("damaged", [b"", b"nonsense", b"\x93\x01", b"\xff" * 50])
def test_a_damaged_snapshot_is_left_out_and_counted(damaged: bytes) -> None:
    process = Process()
    process.sends.labels("hue").inc()
    found = read(merge([damaged, snapshot(process.registry, "worker")]))
    assert found["sends_total|tenant=hue"] == 1
    assert found["govchat_metrics_unreadable"] == 1
    assert read(merge([snapshot(process.registry, "worker", carried=damaged)]))["sends_total|tenant=hue"] == 1


def test_odd_label_values_survive_the_way() -> None:
    process = Process()
    process.sends.labels('a"b\\c\nĐồng Nai').inc()
    text = merge([snapshot(process.registry, "worker")])
    (family,) = [each for each in text_string_to_metric_families(text) if each.name == "sends"]
    assert family.samples[0].labels["tenant"] == 'a"b\\c\nĐồng Nai'


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 10**6), max_size=3), max_size=5))
def test_the_sum_is_the_sum_of_all_processes(counts: list[dict[str, int]]) -> None:
    packed = []
    for number, each in enumerate(counts):
        process = Process()
        for tenant, count in each.items():
            process.sends.labels(tenant).inc(count)
        packed.append(snapshot(process.registry, f"worker-{number}"))
    found = read(merge(packed))
    for tenant in "abc":
        assert found.get(f"sends_total|tenant={tenant}", 0) == sum(each.get(tenant, 0) for each in counts)


def test_the_house_renders_its_metrics_with_those_of_the_workers() -> None:
    worker = CollectorRegistry()
    Counter("govchat_sends", "Sends", ["tenant", "kind", "outcome"], registry=worker).labels(
        "hue", "reply", "sent"
    ).inc(5)
    before = read(render()[0].decode()).get("govchat_sends_total|kind=reply|outcome=sent|tenant=hue", 0)
    metrics.SENDS.labels("hue", "reply", "sent").inc(2)
    metrics.DATABASE_UP.set(1)
    metrics.HEARTBEAT_AGE.labels("worker").set(3)
    metrics.ACCEPTED_SECONDS.observe(0.12)
    body, content_type = render([snapshot(worker, "worker")])
    found = read(body.decode())
    assert content_type.startswith("text/plain; version=")
    assert found["govchat_sends_total|kind=reply|outcome=sent|tenant=hue"] == before + 7
    assert found["govchat_database_up|part=api"] == 1
    assert found["govchat_worker_heartbeat_age_seconds|part=api|worker=worker"] == 3
    assert found["govchat_webhook_to_accepted_seconds_bucket|le=0.15"] >= 1
    assert "_created" not in body.decode()


def test_every_metric_is_named_for_the_house_and_says_what_it_counts() -> None:
    families = list(REGISTRY.collect())
    assert len(families) > 15
    for family in families:
        assert re.fullmatch(r"govchat_[a-z_]+", family.name), family.name
        assert family.documentation, family.name


def test_the_latency_buckets_reach_from_ten_milliseconds_past_the_promise() -> None:
    assert metrics.SECONDS[0] == 0.01
    assert {0.15, 0.5, 10.0, 30.0, 60.0} <= set(metrics.SECONDS)


def test_nobody_outside_can_add_labels_without_end() -> None:
    metrics._tenants.clear()
    assert tenant_label("dong-nai") == "dong-nai"
    assert tenant_label(None) == "other"
    assert tenant_label("../../etc") == "other"
    assert tenant_label("x" * 41) == "other"
    labels = {tenant_label(f"made-up-{number}") for number in range(10 * MOST_TENANTS)}
    assert len(labels) == MOST_TENANTS
    assert tenant_label("dong-nai") == "dong-nai"
    metrics._tenants.clear()
