"""What builds the answers, one file for each operation."""
