"""What runs on the nodes and at the places. Standard library only."""
