"""The process beside a game: drives StarCraft II through one client library, and speaks arrays with the engine.

It runs in a Python environment of its own, which has NumPy and the client library, and nothing of `copa`: its modules
import each other relatively, the standard library, NumPy, and the client library.
"""
