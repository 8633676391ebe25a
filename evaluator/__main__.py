"""`python -m evaluator`."""

from copa.runtime import run_role
from evaluator.main import main

if __name__ == "__main__":
    run_role(main)
