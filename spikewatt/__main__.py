"""`python -m spikewatt` is `spikewatt`."""

from spikewatt.cli import main

main()
