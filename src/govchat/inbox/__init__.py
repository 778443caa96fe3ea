"""Webhook events as durable rows, each once, worked off in order per citizen."""
