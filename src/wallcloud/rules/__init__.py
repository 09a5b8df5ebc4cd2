"""The rules of separation. Each is one file of this folder; a new rule is a new file and nothing else.

A file defines `RULE = Rule(id=…, forbids=…, why=…, mend=…, check=…)`. Files whose names begin with `_` are not rules.
"""

from wallcloud.rules._frame import Rule, Violation, check, require, rules

__all__ = ["Rule", "Violation", "check", "require", "rules"]
