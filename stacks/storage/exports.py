"""The storage stack's exports."""

from stacks.core.exports import Export

DATA_BUCKET_NAME = Export("storage", "DataBucketName", "Name of the data bucket")
DATA_BUCKET_ARN = Export("storage", "DataBucketArn", "ARN of the data bucket")
