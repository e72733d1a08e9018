"""Whether the machine is quiet enough to measure on."""
import os
import sys
import time


def busy_share(seconds: float = 2.0) -> float:
    """CPU time used by all processes, as a share of all cores, over `seconds`."""

    def ticks():
        values = [int(v) for v in open("/proc/stat").readline().split()[1:]]
        return sum(values), values[3] + values[4]

    total0, idle0 = ticks()
    time.sleep(seconds)
    total1, idle1 = ticks()
    return 1 - (idle1 - idle0) / max(1, total1 - total0)


def require_quiet() -> None:
    share = busy_share()
    if share > 0.05 and not os.environ.get("HONE_BENCH_ANYWAY"):
        sys.exit(f"other processes use {100 * share:.0f} % of the CPU; measure on a quiet machine, or set HONE_BENCH_ANYWAY=1")
