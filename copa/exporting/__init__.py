"""A trained team in a form that needs nothing of COPA."""

from copa.exporting.onnx_files import Export, export

__all__ = ["Export", "export"]
