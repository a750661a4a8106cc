"""Modules of the standard library that are loaded when something of theirs is first used.

`import asyncio` takes a third of a start, and a window's first status needs nothing of it; of what
asyncio itself imports, `ssl` and `inspect` are as much again, and an idle window needs neither. A
module that was put off loads itself, in its place, at the first attribute that is asked of it;
whoever imports it writes what they always write. `importlib.util.LazyLoader` would do, did a second
`import` of the same module not load it (CPython 3.11 asks it for `__spec__`).
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any


def defer(name: str) -> None:
    """Let `import name` load nothing yet; does nothing where it is loaded.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    if name in sys.modules:
        return
    spec = _find(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    module = module_from_spec(spec)
    vars(module).pop("__path__", None)  # whoever imports a part of a package is to load it first
    module.__class__ = _Deferred
    vars(module)["_loading"] = _Loading()
    sys.modules[name] = module


def _find(name: str) -> ModuleSpec | None:
    """Find a module without loading the package that it is a part of."""
    package, _, _ = name.rpartition(".")
    if not package:
        return find_spec(name)
    above = _find(package)
    return PathFinder.find_spec(name, above.submodule_search_locations) if above else None


class _Loading:
    """Who loads a module: the first thread that uses it, and the others wait.

    No two can wait for each other, since no module imports one that imports it.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.has_begun = False


class _Deferred(ModuleType):
    """A module whose names are not there yet; what the import system asks for is."""

    def __getattr__(self, name: str) -> Any:
        loading: _Loading = vars(self)["_loading"]
        with loading.lock:
            if loading.has_begun:  # by this thread, in the middle of it, or all is there by now
                return ModuleType.__getattribute__(self, name)
            loading.has_begun = True
            try:
                self._load()
            except BaseException:
                loading.has_begun = False
                raise
        return getattr(self, name)

    def _load(self) -> None:
        spec = vars(self)["__spec__"]
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        spec.loader.exec_module(self)
        self.__class__ = ModuleType  # type: ignore[assignment]
        for name, part in tuple(sys.modules.items()):
            if type(part) is _Deferred and name.rpartition(".")[0] == self.__name__:
                setattr(self, name.rpartition(".")[2], part)
