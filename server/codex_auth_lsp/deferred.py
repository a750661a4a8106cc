"""Modules of the standard library that are loaded when something of theirs is first used.

`import asyncio` takes a third of a start, and a window's first status needs nothing of it. A module
that was put off loads itself, in its place, at the first attribute that is asked of it; whoever
imports it writes what they always write. `importlib.util.LazyLoader` would do, did a second
`import` of the same module not load it (CPython 3.11 asks it for `__spec__`).
The first use must not be in two threads at a time.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


def defer(name: str) -> None:
    """Let `import name` load nothing yet; does nothing where it is loaded.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    module = module_from_spec(spec)
    vars(module).pop("__path__", None)  # whoever imports a part of a package is to load it first
    module.__class__ = _Deferred
    sys.modules[name] = module


class _Deferred(ModuleType):
    """A module whose names are not there yet; what the import system asks for is."""

    def __getattr__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]
        if self.__spec__ is None or self.__spec__.loader is None:
            raise AttributeError(name)
        if self.__spec__.submodule_search_locations is not None:
            self.__path__ = self.__spec__.submodule_search_locations
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)
