"""`python -m learner`."""

from copa.runtime import run_role
from learner.main import main

if __name__ == "__main__":
    run_role(main)
