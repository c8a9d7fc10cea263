"""kustomize and kubectl: manifests pinned to an image, rendered, and checked against rules."""
