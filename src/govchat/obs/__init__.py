"""What operators see: structured logs without personal data, Prometheus metrics, the findings of the probes.

Rooms log through structlog and count on the metrics declared here; snapshots bring the workers' figures to the API.
"""
