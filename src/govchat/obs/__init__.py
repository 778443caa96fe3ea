"""What operators see: structured logs without personal data, Prometheus metrics, heartbeats of the processes."""
