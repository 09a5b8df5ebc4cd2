"""What of this part runs on nodes and at workstations. Standard library only."""
