"""Identity domain: the IAM roles for Lambda functions and Fargate tasks."""
