"""The dev environment: builds the stacks and wires their exports."""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.identity.stack import IdentityStack
from stacks.registry.exports import REPOSITORY_ARN
from stacks.registry.stack import RegistryStack
from stacks.storage.exports import DATA_BUCKET_ARN
from stacks.storage.stack import StorageStack

environment = Environment(name="dev")
app = new_app()

storage = StorageStack(app, environment)
registry = RegistryStack(app, environment)
identity = IdentityStack(
    app,
    environment,
    data_bucket_arn=DATA_BUCKET_ARN.import_from(environment),
    repository_arn=REPOSITORY_ARN.import_from(environment),
)
# Exports must exist before they are imported.
identity.add_stack_dependency(storage)
identity.add_stack_dependency(registry)

app.synth()
