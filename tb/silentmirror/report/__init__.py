"""What a run of the main job is judged and described by: measurements on the wire, `report.json`, the table."""

from .measure import InitFigures, WayFigures, measure
from .schema import SCHEMA, check_report
from .table import render_table

__all__ = ["SCHEMA", "InitFigures", "WayFigures", "check_report", "measure", "render_table"]
