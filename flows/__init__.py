"""What touches a service, a clock or a person: Prefect flows, thin enough to read as a table of contents."""
