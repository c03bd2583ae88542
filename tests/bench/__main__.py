"""Measure the speed of everything that promises one: `make bench`, or `make bench ARGS=bpe`.

Each `bench_*.py` beside this file has `measure()`, which returns rows of name, value, unit and
bound. Ratios are taken against a peer in the same run, so that they hold on other machines. The
command ends with 1 if a bound is missed.
"""

import importlib
import operator
import sys
from pathlib import Path

COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


def holds(value: float, bound: str | None) -> bool:
    """Whether a value keeps its bound: `holds(2.5, "<= 3")` is True; no bound always holds."""
    if bound is None:
        return True
    sign, limit = bound.split()
    return COMPARE[sign](value, float(limit))


def main(wanted: list[str]) -> int:
    """Run the measurements whose name holds one of the words wanted, print every row."""
    missed = 0
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        if wanted and not any(word in path.stem for word in wanted):
            continue
        for row in importlib.import_module(f"tests.bench.{path.stem}").measure():
            kept = holds(row["value"], row["bound"])
            missed += not kept
            verdict = (
                "" if row["bound"] is None else f"{row['bound']:>9} {'ok' if kept else 'MISSED'}"
            )
            line = f"{row['name']:<64}{row['value']:>12.4g} {row['unit']:<10}{verdict}"
            print(line.rstrip(), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
