"""The figures as pictures (SVG)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pygal
from pygal.style import CleanStyle

if TYPE_CHECKING:
    from pathlib import Path

    from bench.figures import Samples
    from bench.growth import Growth
    from bench.many_windows import ManyWindows
    from bench.one_window import OneWindow

_LOOK: dict[str, Any] = {
    "style": CleanStyle(background="white", plot_background="white"),
    "js": [],
    "width": 720,
    "height": 320,
    "disable_xml_declaration": True,
    "no_prefix": True,
}


def draw(folder: Path, one: OneWindow, many: ManyWindows, grown: Growth) -> None:
    """Draw start-up, latency, memory, how changes are heard, and growth."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "start": _bars("Spawn to the first status, ms", one.first_status),
        "latency": _bars("Status round trip, median, microseconds", one.trip_p50),
        "memory": _bars("Memory of one window (PSS), MiB", one.memory),
        "change": _change(many),
        "growth-time": _growth("All windows ready, ms", many, 0),
        "growth-memory": _growth("Memory of all windows (PSS), MiB", many, 1),
        "growth-configuration": _sizes(grown),
    }
    for name, chart in pictures.items():
        chart.render_to_file(str(folder / f"{name}.svg"))


def _bars(title: str, samples: Samples) -> Any:
    chart = pygal.HorizontalBar(title=title, print_values=True, **_LOOK)
    for server in samples.by_server:
        chart.add(server, round(samples.median(server), 1))
    return chart


def _change(many: ManyWindows) -> Any:
    chart = pygal.XY(title="An outside change: share heard after so many ms", dots_size=1, **_LOOK)
    for label, samples in (("one window", many.change_one), ("all windows", many.change_all)):
        values = sorted(value for found in samples.by_server.values() for value in found)
        share = [(value, (place + 1) / len(values)) for place, value in enumerate(values)]
        chart.add(label, share)
    return chart


def _growth(title: str, many: ManyWindows, which: int) -> Any:
    chart = pygal.XY(title=title, show_legend=False, **_LOOK)
    chart.add("", [(0, 0), *((count, found[which]) for count, found in many.growth.items())])
    return chart


def _sizes(grown: Growth) -> Any:
    chart = pygal.XY(title="First status by kB of config.toml, ms", show_legend=False, **_LOOK)
    chart.add("", [(size / 1000, found.first_status) for size, found in grown.sizes.items()])
    return chart
