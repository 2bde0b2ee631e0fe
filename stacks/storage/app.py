"""CDK app for the storage stack alone: `cdk deploy --app "uv run stacks/storage/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.storage.stack import StorageStack

app = new_app()
StorageStack(app, Environment())
app.synth()
