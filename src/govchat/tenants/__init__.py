"""The provinces: manifests, registry, Zalo apps and Official Accounts, credentials.

A manifest (`tenants/SLUG/tenant.toml`) comes in and is applied; the registry answers which tenant an Official Account,
a webhook key or an API key belongs to; `credentials` hands out working access tokens and rotates them.
"""
