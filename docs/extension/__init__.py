"""Sphinx extension: directives whose text comes from the code, so that it cannot fall behind it.

Each directive is one function from its arguments to Markdown, which Sphinx then reads as if the page had it.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs.extension import commands, contract, mathml, methods, outside, settings, tasks

WRITERS: dict[str, Callable[..., str]] = {
    "settings-reference": settings.reference,
    "settings-chosen": settings.chosen,
    "command-reference": commands.reference,
    "exit-codes": commands.exit_codes,
    "method-parameters": methods.parameters,
    "method-list": methods.listing,
    "task-sizes": tasks.sizes,
    "task-checks": contract.checks,
}
"""By name of a directive: what writes its Markdown, given the words after the name."""


class Written(SphinxDirective):
    """A directive that stands for generated Markdown."""

    optional_arguments = 100
    has_content = False
    write: ClassVar[Callable[..., str]]

    def run(self) -> list[nodes.Node]:
        """Nodes of the Markdown."""
        return self.parse_text_to_nodes(type(self).write(*self.arguments), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives, the writer of equations and the links to files."""
    for name, write in WRITERS.items():
        app.add_directive(name, type("Written", (Written,), {"write": staticmethod(write)}))
    app.add_html_math_renderer("mathml", (mathml.inline, None), (mathml.block, None))
    app.connect("source-read", outside.hand_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
