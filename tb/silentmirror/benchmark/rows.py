"""One figure of the benchmark: its samples, the standard's lower bound, and what it must keep to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from .minimum import Term


@dataclass
class Row:
    """Samples over the clock seeds, the lower bound, the bar."""

    group: str
    name: str
    params: dict[str, Any]
    unit: str
    samples: list[float] = field(default_factory=list)
    minimum: float | None = None
    """Lower bound of the standard for the same work, in `unit`."""
    bar: float | None = None
    """Largest ratio to the minimum that is allowed; data rates: smallest share of the agreed rate."""
    terms: list[Term] = field(default_factory=list)

    @property
    def value(self) -> float:
        """The median."""
        return median(self.samples)

    @property
    def ratio(self) -> float | None:
        """Median to minimum."""
        return None if self.minimum is None else self.value / self.minimum

    def failures(self) -> list[str]:
        """What is wrong with this figure."""
        told = f"{self.group} {self.name}"
        if not self.samples:
            return [f"{told}: nothing was measured"]
        if self.minimum is None:
            low = self.bar is not None and min(self.samples) < self.bar
            return [f"{told}: {min(self.samples):.4f} is below {self.bar}"] if low else []
        found = []
        if min(self.samples) < self.minimum:
            found.append(f"{told}: {min(self.samples):.1f} is below the standard's {self.minimum:.1f} {self.unit}")
        if self.bar is not None and max(self.samples) > self.bar * self.minimum:
            found.append(f"{told}: {max(self.samples) / self.minimum:.3f} of the minimum, allowed {self.bar}")
        return found

    def to_json(self) -> dict[str, Any]:
        """The row of bench.json."""
        spread = {"min": min(self.samples), "median": self.value, "max": max(self.samples), "count": len(self.samples)}
        row = {"group": self.group, "name": self.name, "params": self.params, "value": self.value, "unit": self.unit}
        row |= {"minimum": self.minimum, "ratio": self.ratio, "bar": self.bar, "samples": spread}
        return {**row, "terms": [asdict(term) for term in self.terms]}
