"""Identity domain: the IAM roles of Lambda functions and Fargate tasks."""
