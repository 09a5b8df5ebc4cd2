"""What runs on the nodes: read, compare, apply. Standard library only, and nothing else of Wallcloud."""
