"""Wire formats: the commented `.proto` files, and the modules generated from them by `python -m protos.generate`."""
