"""The registry stack as an app of its own: `cdk deploy --app "uv run stacks/registry/app.py"`."""

from stacks.app import new_app
from stacks.environment import Environment
from stacks.registry.stack import RegistryStack

app = new_app()
RegistryStack(app, Environment())
app.synth()
