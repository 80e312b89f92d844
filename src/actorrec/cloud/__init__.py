"""The account's side: the stack of CloudFormation that jobs and devices need."""
