"""The documentation: pages in Markdown, and the extension that writes references from the code."""
