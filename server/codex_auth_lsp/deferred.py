"""Modules of the standard library that are loaded when something of theirs is first used.

`import asyncio` takes a third of a start, and a window's first status needs nothing of it; of what
asyncio itself imports, `ssl` and `inspect` are as much again, and an idle window needs neither. A
module that was put off loads itself, in its place, at the first attribute that is asked of it;
whoever imports it writes what they always write. `importlib.util.LazyLoader` would do, did a second
`import` of the same module not load it (CPython 3.11 asks it for `__spec__`).

Several threads may use a module first: no two wait for each other, since no module imports one that
imports it. Of a package that holds only once it is loaded: asyncio is, before any other thread may
import a part of it.
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


_OF_THE_IMPORT_SYSTEM = frozenset(
    {"__class__", "__dict__", "__spec__", "__name__", "__loader__", "__package__", "__file__"}
)


class _Loading:
    """Who loads a module: the first thread that uses it, and the others wait."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.has_begun = False


class _Deferred(ModuleType):
    """A module whose names are not there yet, but for what the import system asks for."""

    def __getattribute__(self, name: str) -> Any:
        if name not in _OF_THE_IMPORT_SYSTEM:
            loading: _Loading = vars(self)["_loading"]
            with loading.lock:  # where it is taken by this thread, the module itself asks
                if not loading.has_begun:
                    loading.has_begun = True
                    try:
                        _load(self)
                    except BaseException:
                        loading.has_begun = False
                        raise
        return ModuleType.__getattribute__(self, name)


def _load(module: _Deferred) -> None:
    spec = module.__spec__
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(module.__name__)
    if spec.submodule_search_locations is not None:
        vars(module)["__path__"] = spec.submodule_search_locations
    spec.loader.exec_module(module)
    for name, part in tuple(sys.modules.items()):
        if type(part) is _Deferred and name.rpartition(".")[0] == spec.name:
            vars(module)[name.rpartition(".")[2]] = part
    module.__class__ = ModuleType  # type: ignore[assignment]
