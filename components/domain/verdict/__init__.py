"""How models are measured and judged, and whether a version may be served."""
