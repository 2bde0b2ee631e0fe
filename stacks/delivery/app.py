"""CDK app for the delivery stack alone: `cdk deploy --app "uv run stacks/delivery/app.py"`."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.core.rights import read_rights
from stacks.delivery.repository import REPOSITORY
from stacks.delivery.stack import DeliveryStack

app = new_app()
DeliveryStack(
    app, Environment(name="account"), repository=REPOSITORY, rights={"dev": read_rights("dev")}
)
app.synth()
