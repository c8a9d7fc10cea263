"""One file or package for each external tool, and the only place that imports it.

Files of different tools do not import each other.
"""
