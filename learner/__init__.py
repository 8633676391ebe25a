"""The learner: samples the replay, updates the networks, publishes weights, writes checkpoints."""
