"""Metrics of several processes as one exposition: pack a registry into bytes, add packed registries up.

Counters and histograms are summed; a gauge keeps one series a process, told apart by the label `part`. A process that starts
again under the same part carries on where its last snapshot ended, so that sums never fall and no rate shows a false peak.
"""

import time
from collections.abc import Iterable, Iterator

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SUMMED = ("counter", "histogram", "summary")

Labels = tuple[tuple[str, str], ...]


class _Family(msgspec.Struct, array_like=True):
    """One metric: `samples` are (name, labels, value)."""

    name: str
    kind: str
    what: str
    samples: list[tuple[str, Labels, float]]

    def buckets(self) -> frozenset[str]:
        return frozenset(value for _, labels, _ in self.samples for name, value in labels if name == "le")


class _Snapshot(msgspec.Struct, array_like=True):
    part: str
    at: float
    families: list[_Family]


def snapshot(registry: CollectorRegistry, part: str, carried: bytes = b"") -> bytes:
    """This process's metrics, packed. `part` is the process's place (`worker`, `worker-bulk`), one living process a part.

    `carried` is the last snapshot of the process that had the place before: its counters and histograms are added. Read it
    once at start and give it every time.
    """
    own = _Snapshot(part, time.time(), [_pack(metric) for metric in registry.collect()])
    before = _unpack(carried) if carried else None
    if before:
        summed = _sum([own, before])
        for family in own.families:
            if family.kind in _SUMMED:
                family.samples = summed.pop(family.name).samples
        own.families += [family for family in summed.values() if family.kind in _SUMMED]
    return msgspec.msgpack.encode(own)


def merge(snapshots: Iterable[bytes]) -> str:
    """The Prometheus text of all snapshots together; what can't be read is left out and counted.

    Of two snapshots of one part the newer counts. Histograms whose buckets differ, as between two versions during a rollout,
    are taken from the newest version alone.
    """
    newest: dict[str, _Snapshot] = {}
    unreadable = 0
    for data in snapshots:
        one = _unpack(data)
        if one is None:
            unreadable += 1
        elif one.part not in newest or newest[one.part].at <= one.at:
            newest[one.part] = one
    families = _sum(sorted(newest.values(), key=lambda each: -each.at))
    name = "govchat_metrics_unreadable"
    families[name] = _Family(
        name, "gauge", "Snapshots of other processes that could not be read", [(name, (), float(unreadable))]
    )
    return generate_latest(_Merged(families)).decode()


class _Merged(Collector):
    """Summed families in the form the Prometheus library writes."""

    def __init__(self, families: dict[str, _Family]) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        for name in sorted(self.families):
            family = self.families[name]
            metric = Metric(family.name, family.what, family.kind)
            for sample, labels, value in family.samples:
                metric.add_sample(sample, dict(labels), value)
            yield metric


def _sum(snapshots: list[_Snapshot]) -> dict[str, _Family]:
    """Families of all snapshots, newest first, by name."""
    families: dict[str, _Family] = {}
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    for one in snapshots:
        for family in one.families:
            first = families.setdefault(family.name, family)
            sums = values.setdefault(family.name, {})
            if first.kind != family.kind or not _same_buckets(first, family):
                continue
            for name, labels, value in family.samples:
                if family.kind not in _SUMMED:
                    # A gauge that names its own process in `part` is left as it is.
                    key = (name, labels if any(each == "part" for each, _ in labels) else (*labels, ("part", one.part)))
                    sums.setdefault(key, value)
                else:
                    sums[(name, labels)] = sums.get((name, labels), 0.0) + value
    return {
        name: _Family(
            name,
            family.kind,
            family.what,
            [(sample, labels, value) for (sample, labels), value in values[name].items()],
        )
        for name, family in families.items()
    }


def _same_buckets(one: _Family, other: _Family) -> bool:
    if one.kind != "histogram":
        return True
    first, second = one.buckets(), other.buckets()
    # A labelled histogram that nobody observed yet has no buckets to differ.
    return not first or not second or first == second


def _pack(metric: Metric) -> _Family:
    samples = [
        (sample.name, tuple(sorted(sample.labels.items())), float(sample.value))
        for sample in metric.samples
        if not sample.name.endswith("_created")  # twice the series, and processes restart anyway
    ]
    return _Family(metric.name, metric.type, metric.documentation, samples)


def _unpack(data: bytes) -> _Snapshot | None:
    try:
        return msgspec.msgpack.decode(data, type=_Snapshot)
    except msgspec.DecodeError:
        return None
