"""What dvc.yaml calls: one file a stage, each reading files, calling domain and integrations.

And writing files.

A stage touches no service, no clock and no person, so what it writes is a function of what it reads.
"""
