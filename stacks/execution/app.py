"""CDK app for the execution stack alone: `cdk deploy --app "uv run stacks/execution/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.core.rights import read_rights
from stacks.execution.stack import ExecutionStack

app = new_app()
ExecutionStack(app, Environment(name="account"), rights={"dev": read_rights("dev")})
app.synth()
