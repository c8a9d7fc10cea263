"""What answers: the BentoML service, and the registered model's MLflow form."""
