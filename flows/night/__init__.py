"""A night: `flow.py` is its table of contents, every other module one step, or what steps share."""
