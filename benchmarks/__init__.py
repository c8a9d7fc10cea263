"""What Palate is worth and what it costs, each by one command; results are kept in results/."""

import components  # noqa: F401  # before torch, since it sets how torch's threads wait
