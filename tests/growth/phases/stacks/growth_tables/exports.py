"""The stack's exports."""

from stacks.core.exports import Export

TABLE_NAME = Export("growth_tables", "TableName", "Name of the table of prices")
