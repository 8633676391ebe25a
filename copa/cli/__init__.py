"""The `copa` command."""
