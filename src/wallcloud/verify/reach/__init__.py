"""Reachability, both signs: from every source to every address of every node, what the design says and nothing else.

`matrix` draws the expectations from the design, `part` has them sent and heard, `judging` says what was seen.
"""
