"""The stages of dvc.yaml, one file each: they read files, call domain and integrations, and write files.

A stage touches no service, no clock and no person, so its output depends only on its input.
"""
