"""Runs the fuzz targets and prints one table: target, inputs, coverage, findings.

    run.py SECONDS [TARGET …]

Each target first takes the kept cases (Fuzz/Cases), the seeds, and, unless it is given less than ten
seconds, what earlier runs found worth keeping (.build/fuzz/corpus); then new inputs, two targets at a
time. A finding ends its
target: a trap, a report of the address sanitizer, a broken promise, an input that takes more than
10 seconds or a process that takes more than 1 GiB. It is left in .build/fuzz/findings, and belongs
into Fuzz/Cases/<target> with its fix.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORK = ROOT / ".build/fuzz"
PROGRAM = WORK / os.environ.get("CONFIGURATION", "release") / "fuzz"
TARGETS = (
    "traces metrics logs json http1 http2 grpc websocket config tables accept segments events query"
    " audit peer stored"
).split()
# Longer inputs say nothing new and cost time.
LONGEST = {"traces": 4096, "metrics": 4096, "logs": 4096, "json": 4096, "segments": 120, "audit": 120}
SECONDS_FOR_ONE = 10
# A run that is shorter is the same wherever it runs.
LEAST_FOR_CORPUS = 10
MEGABYTES = 1024


def folder(*parts):
    path = WORK.joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def sweep(pids=None):
    """Removes the folders in memory of these processes, or of all that have ended. libFuzzer ends a
    process without letting it clean up."""
    for parent in ("/dev/shm", "/tmp"):
        for path in pathlib.Path(parent).glob("roost-fuzz-*-*"):
            pid = path.name.rpartition("-")[2]
            if pid in pids if pids else not pathlib.Path("/proc", pid).exists():
                shutil.rmtree(path, ignore_errors=True)


def run(target, seconds):
    findings = folder("findings", target)
    # libFuzzer writes into the first folder that it is given.
    corpus = folder("corpus", target)
    if int(seconds) < LEAST_FOR_CORPUS:
        shutil.rmtree(WORK / "fresh" / target, ignore_errors=True)
        corpus = folder("fresh", target)
    inputs = [ROOT / "Fuzz/Cases" / target, WORK / "seeds" / target]
    dictionary = ROOT / "Fuzz/Dictionaries" / f"{target}.dict"
    command = [
        PROGRAM, f"-max_total_time={seconds}", f"-timeout={SECONDS_FOR_ONE}",
        f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST.get(target, 2048)}", "-print_final_stats=1",
        "-verbosity=1", f"-artifact_prefix={findings}/", *([f"-dict={dictionary}"] if dictionary.exists() else []),
        corpus, *[path for path in inputs if path.exists()],
    ]
    environment = {
        **os.environ, "ROOST_FUZZ_TARGET": target, "SWIFT_BACKTRACE": "enable=no",
        # Swift keeps pointers to what lives for ever in forms that the leak detector cannot read.
        "ASAN_OPTIONS": "detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", ""),
    }
    log = WORK / f"{target}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)), stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            sweep([str(process.pid)])
    text = log.read_text(errors="replace")
    executed = re.findall(r"stat::number_of_executed_units:\s+(\d+)|^#(\d+)", text, re.MULTILINE)
    edges = re.findall(r" cov: (\d+)", text)
    found = re.findall(r"Fatal error: (.*)|ERROR: (.*)|Test unit written to (.*)", text)
    return {
        "target": target, "inputs": next((a or b for a, b in reversed(executed)), "0"),
        "edges": edges[-1] if edges else "0", "code": code,
        "finding": "" if code == 0 else "; ".join(next(filter(None, one)) for one in found[:1] + found[-1:])
        or f"ended with {code}, see {log}",
    }


def main():
    seconds, wanted = sys.argv[1], sys.argv[2:] or TARGETS
    unknown = set(wanted) - set(TARGETS)
    if unknown:
        sys.exit(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    subprocess.run([sys.executable, ROOT / "Fuzz/seeds.py", folder("seeds")], check=True)
    sweep()
    with ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        rows = list(pool.map(lambda target: run(target, seconds), wanted))
    print(f"{'target':<10} {'inputs':>10} {'edges':>7}  findings")
    for row in rows:
        print(f"{row['target']:<10} {row['inputs']:>10} {row['edges']:>7}  {row['finding'] or 'none'}")
    sys.exit(any(row["code"] for row in rows))


if __name__ == "__main__":
    main()
