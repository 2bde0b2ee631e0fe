"""CDK app for this stack alone: `cdk deploy --app "uv run stacks/growth_ingest/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.growth_ingest.stack import GrowthIngestStack
from stacks.growth_tables.exports import TABLE_NAME
from stacks.identity.exports import LAMBDA_EXECUTION_ROLE_ARN
from stacks.storage.exports import DATA_BUCKET_NAME

environment = Environment()
app = new_app()
GrowthIngestStack(
    app,
    environment,
    lambda_role_arn=LAMBDA_EXECUTION_ROLE_ARN.import_from(environment),
    bucket_name=DATA_BUCKET_NAME.import_from(environment),
    table_name=TABLE_NAME.import_from(environment),
)
app.synth()
