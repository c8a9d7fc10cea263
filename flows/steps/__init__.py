"""The tasks that the flows are made of, by what they touch."""
