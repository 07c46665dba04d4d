"""The engines: they only schedule.

What one event does to the state is stated once in `_steps`, on the flat tables that `_pack`
makes of a scenario; laws and rules are called from there. An engine decides when which step
is taken, and events due at the same time are taken in the order (kind, side, number).
"""
