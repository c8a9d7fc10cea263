"""What a candidate must beat: simple rules, collaborative rules, retrieval, probes."""
