"""How a province is connected with Zalo: consents given by administrators, keys rotated and destroyed, verification files.

Consents and files come in; working token pairs go to `tenants`, messages that the webhook missed to `inbox`, alarms to `incidents`.
"""
