"""Programs that run at a place or on a node, started by standard input. They import the standard library only."""
