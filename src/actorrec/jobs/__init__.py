"""Training and building in the cloud: plan, submit, follow, bring back."""
