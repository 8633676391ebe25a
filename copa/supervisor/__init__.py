"""`copa train`: all processes of a run on this machine, kept alive and ended together."""
