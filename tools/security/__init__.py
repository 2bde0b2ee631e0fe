"""Scan the environments with cdk-nag, cfn-lint and checkov."""
