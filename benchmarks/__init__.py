"""What Palate is worth and what it costs, each by one command; results are kept in results/."""
