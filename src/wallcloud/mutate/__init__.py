"""Holes in the walls, opened one at a time with plain shell tools, to see that the proof finds each of them.

Nothing here knows the design or verify: what a hole is, and what must fail, is said in `holes/*.sh` by who knows
networks, not derived from what is tested. `hole` reads them, `words` are the site's plain names for them, `session`
holds one open on a node, `judging` says whether it was caught, `run` does one after the other.
"""
