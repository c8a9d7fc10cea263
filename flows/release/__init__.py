"""A release: `flow.py` is one pass, `reconciliation.py` decides in it, every other module is one step."""
