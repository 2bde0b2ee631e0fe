"""The identity stack's exports."""

from stacks.core.exports import Export

LAMBDA_EXECUTION_ROLE_ARN = Export(
    "identity", "LambdaExecutionRoleArn", "ARN of the role that Lambda functions run as"
)
FARGATE_TASK_ROLE_ARN = Export(
    "identity", "FargateTaskRoleArn", "ARN of the role that Fargate tasks run as"
)
