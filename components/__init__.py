"""Everything that is not a flow or a service: domain, integrations, stages."""

import os

# Torch's threads that wait for each other sleep soon rather than spin, which costs whoever shares their cores
# (decision 0048). It works only where it is set before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
