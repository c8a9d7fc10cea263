"""MLflow: runs, registered versions, aliases and webhooks."""
