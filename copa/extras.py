"""How an extra, a set of packages that only a part of COPA needs, is installed."""


def installing(extra: str) -> str:
    """The command that brings `extra`, given in COPA's source folder.

    It names the folder and not `copa[extra]`: the package that PyPI calls `copa` is another project.
    """
    return f"pip install -c constraints.txt -e '.[{extra}]' in COPA's source folder"
