"""The stack's exports."""

from stacks.core.exports import Export

CLUSTER_ARN = Export("growth_tasks", "ClusterArn", "ARN of the cluster that trains models")
