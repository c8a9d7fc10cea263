"""What dvc.yaml calls, one file a stage: reads files, calls domain and integrations, writes files."""
