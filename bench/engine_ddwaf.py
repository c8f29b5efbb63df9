"""The peer of bench/engine.py that is ddtrace's: its engine, its own rules. Run with ddtrace on the path.

Standard input: a request a line, as JSON by libddwaf's addresses. Standard output: the version of the rules, then
microseconds of processor time of each, from values that are parsed already to the answer.
"""

import json
import sys
import time
from pathlib import Path

import ddtrace.appsec
from ddtrace.appsec._ddwaf import DDWaf

rules = Path(ddtrace.appsec.__file__).with_name("rules.json").read_bytes()
waf = DDWaf(rules, b"", b"")
print(waf.info.version)
for line in sys.stdin:
    data = json.loads(line)
    before = time.process_time_ns()
    waf.run(waf._at_request_start(), data, timeout_ms=1000)
    print((time.process_time_ns() - before) / 1e3)
