"""The programs that answer: the BentoML service, and the registered model in MLflow's form."""
