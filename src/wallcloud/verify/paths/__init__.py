"""What accounts of a node can open, and where its secrets are: nothing is readable that should not be."""
