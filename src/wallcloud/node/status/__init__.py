"""How a node is: its services asked themselves, and what they have left. Nothing here changes or starts anything."""
