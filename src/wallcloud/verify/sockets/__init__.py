"""Every socket that hears, in every network namespace of every node, is a declared one."""
