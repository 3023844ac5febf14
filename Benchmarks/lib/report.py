"""What a part measured: its table, and the figures of it that the README shows."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Figure:
    """One measure, ours and others', each with a value a round."""

    what: str
    unit: str
    ours: list
    beside: dict = field(default_factory=dict)
    """Values of others by name, from the same run."""
    fewer_is_better: bool = False
    digits: int = 0

    def record(self):
        """What is kept of it: medians, and the range of ours."""
        return {"what": self.what, "unit": self.unit, "fewer_is_better": self.fewer_is_better, "digits": self.digits,
                "ours": statistics.median(self.ours), "from": min(self.ours), "to": max(self.ours),
                "beside": {name: statistics.median(values) for name, values in self.beside.items()}}


@dataclass
class Report:
    """A table whose first row is its head, and sentences below it."""

    title: str
    rows: list
    notes: list = field(default_factory=list)
    figures: list = field(default_factory=list)

    def text(self):
        widths = [max(len(row[column]) for row in self.rows) for column in range(len(self.rows[0]))]
        lines = ["", self.title]
        for row in self.rows:
            cells = [cell.ljust(width) if column == 0 else cell.rjust(width)
                     for column, (cell, width) in enumerate(zip(row, widths))]
            lines.append("  " + "  ".join(cells).rstrip())
        return "\n".join(lines + [f"  {note}" for note in self.notes])
