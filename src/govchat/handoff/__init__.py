"""Hand-offs: a conversation that an officer has taken over, or that a citizen asked a person for.

In: the echo of what an officer wrote by hand, or the citizen's wish. Out: `citizens.muted_until`, until which the bot keeps still.
"""
