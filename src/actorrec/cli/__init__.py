"""The command line: parses, calls one stage, prints. Nothing else imports it."""
