"""The catalog: one file per component. A file here with a `COMPONENT` is in the catalog; there is no other list."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache

from wallcloud.catalog.component import Component

Completing = Callable[[Mapping[str, Component]], Component]
"""A file's `completed`: its component once all others are known."""


@cache
def components() -> dict[str, Component]:
    """Every component by name, in the files' order."""
    found: dict[str, Component] = {}
    completing: list[Completing] = []
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
            if hasattr(module, "completed"):
                completing.append(module.completed)
    return {**found, **{whole.name: whole for whole in (each(found) for each in completing)}}
