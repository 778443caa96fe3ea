"""Callbacks: what one-stop systems asked to be told, signed and delivered to their addresses.

In: a kind and a body, put by other rooms in the transaction of what happened. Out: HTTP requests in the manner of Standard Webhooks,
repeated until they are taken or given up. Kept here: each province's addresses with their secrets, and every delivery.
"""
