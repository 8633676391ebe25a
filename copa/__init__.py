"""What every COPA process shares: tasks, networks, learning rule, replay, configuration, telemetry."""

__version__ = "0.1.0"
