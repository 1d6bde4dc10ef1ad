"""What a program is called with: numbers, each with a usual value."""

import sys


def amounts(*usual: float) -> list[float]:
    """The first arguments as numbers; the usual ones stand in for those that are not given."""
    given = [float(argument) for argument in sys.argv[1 : len(usual) + 1]]
    return given + list(usual[len(given) :])
