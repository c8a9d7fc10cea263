"""What dvc.yaml calls, one file a stage: reads files, calls domain and integrations, writes files.

A stage touches no service, no clock and no person, so what it writes is a function of what it reads.
"""
