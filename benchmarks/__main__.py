"""`python -m benchmarks [NAME …]`: intake, replies, start, catalogue, dossiers, notices, fanout; all of them without a name."""

import sys

from benchmarks import catalogue, dossiers, fanout, intake, notices, replies, start

ALL = {
    "start": start.main,
    "intake": intake.main,
    "replies": replies.main,
    "catalogue": catalogue.main,
    "dossiers": dossiers.main,
    "fanout": fanout.main,
    "notices": notices.main,
}


def main() -> None:
    """Run those that were named."""
    names = sys.argv[1:] or list(ALL)
    for name in names:
        if name not in ALL:
            sys.exit(f'no benchmark "{name}": choose from {", ".join(ALL)}')
    for name in names:
        print(f"{name}:", flush=True)
        ALL[name]()


if __name__ == "__main__":
    main()
