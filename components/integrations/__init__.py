"""One file for each tool, the only one that imports it; none imports another."""
