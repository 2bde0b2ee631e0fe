"""Writes the generated parts of the documents: diagrams, and the record of a deploy."""
