"""What revision 0021 adds to `inbox_look`: whether an office answered a petition of this citizen while nothing could be said to them."""

from govchat.db.migrations import functions_0014

INBOX_LOOK = functions_0014.INBOX_LOOK.replace(
    "state jsonb, muted boolean\n", "state jsonb, muted boolean, news boolean\n"
).replace(
    "coalesce(c.muted_until > clock_timestamp(), false)\n",
    """coalesce(c.muted_until > clock_timestamp(), false),
             EXISTS (SELECT FROM petitions p
                     WHERE p.tenant_id = bound AND p.citizen_id = c.id AND p.delivery = 'none')
""",
)
