"""CDK app for the registry stack alone: `cdk deploy --app "uv run stacks/registry/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.registry.stack import RegistryStack

app = new_app()
RegistryStack(app, Environment())
app.synth()
