"""The rules as a Markdown table, which is how the documentation lists them."""

from __future__ import annotations

from collections.abc import Iterable

from .rule import Level, RuleSpec


def markdown_table(specs: Iterable[RuleSpec]) -> str:
    """One row a rule: id, text, limit in ns, source, and a mark where the evidence is who drives a wire."""
    rows = ["| rule | says | limit, ns | source | needs drivers |", "| --- | --- | --- | --- | --- |"]
    for spec in specs:
        needs = "yes" if spec.needs_drivers else ""
        rows.append(f"| {spec.id} | {spec.text} | {_limit(spec)} | {spec.source} | {needs} |")
    return "\n".join(rows) + "\n"


def _limit(spec: RuleSpec) -> str:
    sign = "<=" if spec.upper else ">="
    if spec.limits_ns is not None:
        names = "/".join(speed.value.removeprefix("Fast-") for speed in spec.limits_ns)
        return f"{sign} {' / '.join(f'{limit:g}' for limit in spec.limits_ns.values())} (Fast-{names})"
    if spec.limit_text:
        return f"{sign} {spec.limit_text}"
    values = {level: spec.limit_at(level) for level in Level}
    if values[Level.SPI3] is None:
        return ""
    newest = f"{sign} {values[Level.SPI3]:g}"
    return newest if len(set(values.values())) == 1 else f"{newest} (below SPI-3 {values[Level.SCSI2]:g})"
