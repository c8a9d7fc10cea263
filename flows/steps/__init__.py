"""The tasks of the flows, one module for each thing that they touch."""
