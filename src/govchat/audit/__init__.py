"""The audit trail: who changed which configuration, credential, state or catalogue, what stood there before and what after.

Acts of other rooms note what they did in their own transaction; entries are only ever added and are hash-chained per tenant, so
that `verify` can name the first one that was tampered with.
"""
