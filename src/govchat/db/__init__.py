"""The database: engine, tenant session, row-level security.

Everything that touches PostgreSQL goes through `session`; `rls` writes and checks the policies that keep provinces apart;
`migrations/` is Alembic's folder.
"""
