"""The account environment: what an AWS account needs once. A user deploys it; CI does not."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.core.rights import read_rights
from stacks.delivery.repository import REPOSITORY
from stacks.delivery.stack import DeliveryStack
from stacks.execution.stack import ExecutionStack

# The environments in this account.
ENVIRONMENTS = ("dev",)

environment = Environment(name="account")
app = new_app()

rights = {name: read_rights(name) for name in ENVIRONMENTS}
ExecutionStack(app, environment, rights=rights)
DeliveryStack(app, environment, repository=REPOSITORY, rights=rights)

app.synth()
