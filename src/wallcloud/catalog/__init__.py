"""The catalog: one file per component. A file here with a `COMPONENT` is in the catalog; there is no other list."""

import importlib
import pkgutil
from functools import cache

from wallcloud.catalog.component import Component


@cache
def components() -> dict[str, Component]:
    """Every component by name, in the files' order."""
    found: dict[str, Component] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        component = getattr(module, "COMPONENT", None)
        if isinstance(component, Component):
            if component.name in found:
                raise ValueError(f"two components are named {component.name}")
            if module_info.name != component.name.replace("-", "_"):
                # design.limits finds the file's `limits` by the component's name.
                raise ValueError(f"{component.name} must stand in a file of its own name, not in {module_info.name}.py")
            found[component.name] = component
    return found
