"""Wallcloud: one site file becomes an OpenStack cloud whose networks are kept apart, with the proof."""

__version__ = "0.1.0"
