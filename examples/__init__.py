"""Programs that use a trained team."""
