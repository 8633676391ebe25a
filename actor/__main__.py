"""`python -m actor`."""

from actor.main import main
from copa.runtime import run_role

if __name__ == "__main__":
    run_role(main)
