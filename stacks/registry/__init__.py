"""The container domain: one repository for the images of Lambda and Fargate."""
