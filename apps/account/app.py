"""The account environment: roles that an AWS account needs once. A user deploys it; CI does not."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.delivery.repository import REPOSITORY
from stacks.delivery.stack import DeliveryStack

environment = Environment(name="account")
app = new_app()

DeliveryStack(app, environment, repository=REPOSITORY)

app.synth()
