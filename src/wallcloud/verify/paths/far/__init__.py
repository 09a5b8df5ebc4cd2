"""What runs on nodes: the standard library only."""
