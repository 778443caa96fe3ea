"""What a citizen meant and what to answer.

Flows are tables of pure steps `(state, event) → (state, messages)`; the engine loads and stores the state, performs what a
step asks for, and puts the answers into the outbox.
"""
