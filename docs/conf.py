"""How Sphinx builds these pages; contributing-docs.md says why Sphinx."""

from copa import __version__

project = "COPA"
copyright = "the authors of COPA, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "docs.extension"]
exclude_patterns = ["extension", "style"]
root_doc = "index"

myst_enable_extensions = ["dollarmath", "attrs_inline", "attrs_block"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
default_role = "code"
highlight_language = "text"
smartquotes = False  # they would turn the -- of flags into dashes
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"COPA {__version__}"
html_static_path = ["style"]
html_css_files = ["copa.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f6f6b", "color-brand-content": "#1f6f6b"},
    "dark_css_variables": {"color-brand-primary": "#6fc3bd", "color-brand-content": "#6fc3bd"},
}
