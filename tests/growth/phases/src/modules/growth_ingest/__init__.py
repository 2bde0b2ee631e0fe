"""Price ingestion."""
