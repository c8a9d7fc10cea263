"""What people said and did, and what follows from it: events, comparisons, splits, training plans."""
