"""How long a fresh process takes to import each NumPy module: the median of five."""

import statistics
import subprocess
import sys
import time

from tests.test_project import NUMPY_ONLY


def seconds(code: str) -> float:
    """Wall time of one fresh Python process, bytecode compiled before."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def measure() -> list[dict]:
    """Every module, the start of Python included."""
    rows = [{"name": "python -c pass", "value": seconds("pass"), "unit": "s", "bound": None}]
    for module in NUMPY_ONLY:
        seconds(f"import {module}")
        median = statistics.median(seconds(f"import {module}") for _ in range(5))
        row = {"name": f"import {module}", "value": median, "unit": "s", "bound": "<= 0.5"}
        rows.append(row)
    return rows
