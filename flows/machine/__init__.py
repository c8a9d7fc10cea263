"""What runs, shows and saves this clone: `make up`, the watcher, status, back-ups."""
