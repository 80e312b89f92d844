"""``python -m actorrec``."""

from actorrec.cli.app import main

main()
