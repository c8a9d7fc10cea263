"""Prefect flows: what touches a service, a clock or a person, thin enough to read as a table of contents."""
