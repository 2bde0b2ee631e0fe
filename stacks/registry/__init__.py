"""Registry domain: the ECR repository for Lambda and Fargate images."""
