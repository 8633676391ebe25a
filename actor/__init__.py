"""The actor: plays games, asks the coach, fills the replay."""
