"""CDK app for the identity stack alone: `cdk deploy --app "uv run stacks/identity/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.identity.stack import IdentityStack
from stacks.registry.exports import REPOSITORY_ARN
from stacks.storage.exports import DATA_BUCKET_ARN

environment = Environment()
app = new_app()
IdentityStack(
    app,
    environment,
    data_bucket_arn=DATA_BUCKET_ARN.import_from(environment),
    repository_arn=REPOSITORY_ARN.import_from(environment),
)
app.synth()
