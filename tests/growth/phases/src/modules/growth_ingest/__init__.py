"""Ingestion of prices."""
