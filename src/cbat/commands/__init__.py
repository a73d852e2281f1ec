"""What the command line needs besides the stages: options from signatures, and its own tools."""
