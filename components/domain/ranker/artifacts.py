"""Names of the files that hold a tuned model."""

HEAD_FILE = "head.safetensors"  # beside the weights of an adapter
VECTORS_FILE = "vectors.safetensors"  # beside the folder of the adapter
