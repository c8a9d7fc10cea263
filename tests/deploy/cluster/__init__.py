"""A double of the Kubernetes API server for real clients; `api` says what it guarantees."""
