"""Compute what CloudFormation needs to deploy an environment's templates, and no more."""
