"""Everything that is not a flow or a service: domain, integrations, stages."""
