"""MLflow: runs, registered versions and aliases."""
