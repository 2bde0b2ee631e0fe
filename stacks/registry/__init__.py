"""Registry domain: the ECR repository for the images of Lambda and Fargate."""
