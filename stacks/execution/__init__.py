"""Execution domain: what CloudFormation may do, and the most that roles may do."""
