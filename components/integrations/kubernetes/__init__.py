"""kustomize and kubectl: manifests pinned to an image, rendered, and held against rules."""
