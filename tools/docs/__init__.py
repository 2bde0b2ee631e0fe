"""Write the generated parts of the documents: diagrams, and a recorded deploy."""
