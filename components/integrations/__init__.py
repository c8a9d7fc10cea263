"""One file or package for each external tool.

No other imports that tool, and none imports another of them.
"""
