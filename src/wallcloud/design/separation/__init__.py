"""The rules of separation that components are held to, as `wallcloud.rules` holds the site: one file each.

A file defines `RULE = CatalogRule(id=…, forbids=…, why=…, mend=…, check=…)`. With a component that
breaks one nothing compiles, and `wallcloud check` says so. They see declarations alone, before anything is placed.
"""

from wallcloud.design.separation._frame import Breach, CatalogRule, catalog_rules, check_catalog

__all__ = ["Breach", "CatalogRule", "catalog_rules", "check_catalog"]
