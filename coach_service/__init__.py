"""The coach service: strategies for the players of all actors, over gRPC (`protos/coach.proto`, `docs/coach.md`)."""
