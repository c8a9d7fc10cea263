"""Everything that is not a flow or a service: domain, integrations, stages."""

import os

# Torch's threads that wait for each other sleep soon rather than spin, which others on the same cores pay for;
# it must be set before torch is imported (decision 0048).
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
