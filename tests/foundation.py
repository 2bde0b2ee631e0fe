"""The foundation's stacks alone, as an app: `python -m tests.foundation`.

End-to-end tests deploy these stacks, so that their result and duration do not depend on the domains
and environments that later phases add.
"""

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.identity.stack import IdentityStack
from stacks.registry.exports import REPOSITORY_ARN
from stacks.registry.stack import RegistryStack
from stacks.storage.exports import DATA_BUCKET_ARN
from stacks.storage.stack import StorageStack

environment = Environment()
# The `synth` sessions check the same stacks' findings.
app = new_app(validate=False)
identity = IdentityStack(
    app,
    environment,
    data_bucket_arn=DATA_BUCKET_ARN.import_from(environment),
    repository_arn=REPOSITORY_ARN.import_from(environment),
)
identity.add_stack_dependency(StorageStack(app, environment))
identity.add_stack_dependency(RegistryStack(app, environment))
app.synth()
