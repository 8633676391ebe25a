"""The evaluator: plays held-out teams with the newest weights, or their averages."""
