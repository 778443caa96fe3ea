"""From outbox to Zalo: claim, take tokens, send, record; and the sweeper that settles what a crash left uncertain."""
