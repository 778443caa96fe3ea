"""Everything on one machine: embedded PostgreSQL and Valkey, the processes of `govchat up`, sample data."""
