"""The CDK CLI from package-lock.json, its Node, and the cloud assemblies that it writes."""
