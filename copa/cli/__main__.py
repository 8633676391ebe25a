"""`python -m copa.cli`, the same as `copa`."""

from copa.cli.main import main

main()
