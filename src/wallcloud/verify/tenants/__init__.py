"""The part `tenants`: two tenants with the same private addresses, and every wall between them."""
