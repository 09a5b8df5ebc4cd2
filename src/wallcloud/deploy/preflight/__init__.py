"""Looks at the hosts and their wires before anything changes: findings like those of `check`."""
