"""CDK app for this stack alone: `cdk deploy --app "uv run stacks/growth_tasks/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.growth_tasks.stack import GrowthTasksStack
from stacks.identity.exports import FARGATE_TASK_ROLE_ARN
from stacks.registry.exports import REPOSITORY_URI

environment = Environment()
app = new_app()
GrowthTasksStack(
    app,
    environment,
    task_role_arn=FARGATE_TASK_ROLE_ARN.import_from(environment),
    repository_uri=REPOSITORY_URI.import_from(environment),
)
app.synth()
