"""The door Zalo knocks on: raw body, signature, tenant, 200 once the event is durable."""
