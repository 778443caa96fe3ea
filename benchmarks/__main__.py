"""`python -m benchmarks [NAME …]`: start, intake, replies, catalogue, dossiers, notices, campaigns, fanout (limits lifted), full,
neighbour, tenants; all of them without a name."""

import sys

from benchmarks import campaigns, catalogue, dossiers, fanout, intake, neighbour, notices, replies, start, tenants

ALL = {
    "start": start.main,
    "intake": intake.main,
    "replies": replies.main,
    "catalogue": catalogue.main,
    "dossiers": dossiers.main,
    "fanout": fanout.lifted,
    "full": fanout.full,
    "neighbour": neighbour.main,
    "tenants": tenants.all_of_it,
    "notices": notices.main,
    "campaigns": campaigns.main,
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
