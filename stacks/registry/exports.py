"""The registry stack's exports."""

from stacks.core.exports import Export

REPOSITORY_NAME = Export("registry", "RepositoryName", "Name of the image repository")
REPOSITORY_ARN = Export("registry", "RepositoryArn", "ARN of the image repository")
REPOSITORY_URI = Export("registry", "RepositoryUri", "URI to push images to and pull them from")
