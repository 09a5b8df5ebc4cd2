"""Whom servers and nodes know, and what each of them may: as the design declares, and nothing more."""
