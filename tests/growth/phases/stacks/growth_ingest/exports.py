"""The stack's exports."""

from stacks.core.exports import Export

STATE_MACHINE_ARN = Export("growth_ingest", "StateMachineArn", "ARN of the ingestion of prices")
