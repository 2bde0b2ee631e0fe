"""The delivery stack's exports."""

from stacks.core.exports import Export

DEPLOY_ROLE_ARN = Export(
    "delivery", "DeployRoleArn", "ARN of the role with which GitHub Actions deploys"
)
DRIFT_ROLE_ARN = Export(
    "delivery", "DriftRoleArn", "ARN of the role with which GitHub Actions detects drift"
)
