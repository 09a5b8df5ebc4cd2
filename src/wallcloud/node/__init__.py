"""What runs on the nodes: read, compare, apply. Standard library and `frozen` only, nothing else of Wallcloud."""
