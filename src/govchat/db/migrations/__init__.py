"""Alembic's folder: one revision per change, and the SQL functions that revisions install, by revision."""
