"""What a node can tell before anything on it changes."""
