"""What a run leaves to read: curves and a report."""

from pathlib import Path

from copa.reporting.history import read_history
from copa.reporting.report import report_text
from copa.run_folder import RunFolder


def write_report(folder: RunFolder) -> list[Path]:
    """Write `curves.png` (where matplotlib is installed) and `report.md`; returns what was written."""
    history = read_history(folder)
    written = []
    try:
        from copa.reporting.curves import draw_curves
    except ImportError:
        folder.curves_file.unlink(missing_ok=True)
    else:
        draw_curves(folder.curves_file, history, folder.final(), title=folder.config().run.name)
        written.append(folder.curves_file)
    folder.report_file.write_text(report_text(folder, history, curves=bool(written)), encoding="utf-8")
    return [*written, folder.report_file]
