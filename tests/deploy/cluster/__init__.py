"""A double of the Kubernetes API server, for the real kubectl and Prefect's real worker (`api` says what it guarantees)."""
