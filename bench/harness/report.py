# SPDX-License-Identifier: Apache-2.0
"""What was measured, as tables for people (Markdown that reads well as text), JSON and a plot."""

import json
import os
import shutil


def table(head, rows):
    """A Markdown table with aligned columns; the first is text, the others numbers."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(  # noqa: E731
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":"
                          for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def count(number):
    return f"{number:,.0f}"


def mib(kib):
    return f"{kib / 1024:.1f} MiB"


def dns_rows(figures):
    echo = figures["UDP echo"]["cpu_us"]
    return [[name, count(f["qps"]), f"{100 * f['lost'] / (f['completed'] + f['lost']):.2f} %",
             count(f["p50_us"]), count(f["p99_us"]), f"{f['cpu_us']:.2f}", f"{f['user_us']:.2f}",
             f"{f['system_us']:.2f}", f"{f['cpu_us'] / echo:.2f}", count(f["answer_bytes"])]
            for name, f in figures.items()]


def dns_text(result):
    head = ["server", "queries/s", "lost", "p50 us", "p99 us", "CPU us/query", "user", "system",
            "x echo", "answer bytes"]
    parts = []
    for kind, title in (("saturated", "saturated"),
                        ("paced", f"paced at {count(result['rate'])} queries a second")):
        parts.append(f"UDP queries, {title} ({count(result['services'])} services, "
                     f"{count(result['endpoints'])} endpoints):\n\n"
                     + table(head, dns_rows(result[kind])))
    others = max(f["others"] for f in result["saturated"].values())
    parts.append(table(["headlessd compared, saturated", "ratio"],
                       [[name, f"{ratio:.2f}"] for name, ratio in result["ratios"].items()]))
    if others > 0.1:
        parts.append(f"Something else kept {others:.0%} of the cores busy: run this again when the "
                     "machine is quiet.")
    return parts


def fresh_text(result):
    rows = []
    for title, f in result["runs"].items():
        rows.append([f"{title} ({count(f['endpoints'])} endpoints)", count(f["changes"]),
                     count(f["acknowledged_us"]["p50"]), count(f["acknowledged_us"]["p99"]),
                     count(f["answered_us"]["p50"]), count(f["answered_us"]["p99"]),
                     count(f["answered_us"]["max"]),
                     count(f["round_trip_us"]["p50"]),
                     f"{100 * f['first_try'] / f['changes']:.1f} %", str(f["stale"])])
    return [f"From a change to its answer, {count(result['services'])} services and "
            f"{count(result['endpoints'])} endpoints loaded (us; the answer's time starts at the "
            "API's acknowledgement and has one UDP round trip in it):\n\n"
            + table(["a change in", "changes", "write p50", "p99", "answer p50", "p99", "max",
                     "round trip", "first query right", "stale later"], rows)]


def memory_text(result):
    empty, full = result["empty"], result["full"]
    size = f"{count(full['services'])} services, {count(full['endpoints'])} endpoints"
    rows = [
        ["start to ready, empty", f"{empty['start_ready_ms']:.0f} ms"],
        ["the very first start, with keys to make", f"{empty['first_start_ready_ms']:.0f} ms"],
        ["resident memory, empty", mib(empty["resident_kib"])],
        [f"wake-ups in {empty['idle_seconds']} idle seconds", count(empty["wakeups"])],
        [f"start to first DNS answer, {size}", f"{full['start_answer_s']:.2f} s"],
        ["start to ready, the same", f"{full['start_ready_s']:.2f} s"],
        ["resident memory, the same", mib(full["resident_kib"])],
        ["… for each endpoint: API, cache and zone", f"{full['bytes_per_endpoint']:,.0f} bytes"],
        ["peak while everything is read again",
         f"{mib(full['peak_kib'])}, {full['peak_kib'] / full['resident_kib']:.2f} x steady"],
        ["resident memory right after it was all created",
         mib(full["loaded"]["resident_kib"])],
    ]
    rows.append(["the zone alone", f"{result['zone_mb']:.1f} MB"])
    rows += [["the zone alone: " + what, value.strip()]
             for what, _, value in (line.partition(": ") for line in result["zone"])]
    return ["Memory and starting:\n\n" + table(["what", "measured"], rows)]


def api_text(result):
    fanout = result["fanout"]
    rows = [
        ["durable creates, 1 client", f"{count(result['creates_alone'])}/s"],
        ["durable creates, 64 clients",
         f"{count(result['creates_together'])}/s, "
         f"{result['creates_together'] / result['creates_alone']:.1f} x"],
        [f"list of {count(result['listed'])} pods "
         f"({result['list_bytes'] / 1048576:.1f} MiB), p50 and p99",
         f"{result['list_ms']['p50']:.1f} and {result['list_ms']['p99']:.1f} ms"],
        [f"one event to {count(fanout['watchers'])} TLS watchers, each: p50 and p99",
         f"{fanout['delivered_us']['p50'] / 1e3:.1f} and "
         f"{fanout['delivered_us']['p99'] / 1e3:.1f} ms"],
        ["… to the last of them: p50 and p99",
         f"{fanout['last_us']['p50'] / 1e3:.1f} and {fanout['last_us']['p99'] / 1e3:.1f} ms"],
    ]
    rows += [["without the API: " + what, value.strip()]
             for what, _, value in (line.rpartition(": ") for line in result["store"])]
    return ["API and store, through TLS:\n\n" + table(["what", "measured"], rows)]


def targets(results):
    """(what, wanted, measured, whether it holds) of each target that was measured."""
    found = []

    def want(what, wanted, measured, met):
        found.append([what, wanted, measured, "yes" if met else "**no**"])

    if "dns" in results:
        ratio = results["dns"]["ratios"]
        user = max(value for name, value in ratio.items() if name.startswith("user"))
        want("CPU per UDP query / UDP echo", "<= 1.12", f"{ratio['cpu / UDP echo']:.2f}",
             ratio["cpu / UDP echo"] <= 1.12)
        want("user-space part / Knot's and NSD's", "<= 0.4", f"{user:.2f}", user <= 0.4)
    for title, run in results.get("fresh", {}).get("runs", {}).items():
        worst = run["answered_us"]["p99"]
        want(f"acknowledged to answered, p99, {title}", "<= 1 ms", f"{worst / 1e3:.2f} ms",
             worst <= 1000)
    memory = results.get("memory")
    if memory:
        empty, full = memory["empty"], memory["full"]
        want("start to ready, empty", "<= 50 ms", f"{empty['start_ready_ms']:.0f} ms",
             empty["start_ready_ms"] <= 50)
        want("resident memory, empty", "<= 15 MB", mib(empty["resident_kib"]),
             empty["resident_kib"] * 1024 <= 15e6)
        want("wake-ups when idle", "0", count(empty["wakeups"]), empty["wakeups"] == 0)
        want("full store: start to DNS answer", "<= 2 s", f"{full['start_answer_s']:.2f} s",
             full["start_answer_s"] <= 2)
        peak = full["peak_kib"] / full["resident_kib"]
        want("peak while reading again / steady", "<= 1.2", f"{peak:.2f}", peak <= 1.2)
        want("memory of the zone", "<= 60 MB", f"{memory['zone_mb']:.1f} MB",
             memory["zone_mb"] <= 60)
    if "api" in results:
        figures = results["api"]
        ratio = figures["creates_together"] / figures["creates_alone"]
        want("durable creates, 64 clients / 1 client", ">= 5", f"{ratio:.1f}", ratio >= 5)
        if figures["sync_us"] <= 1000:  # the target supposes a disk that is no slower
            want("durable creates, 64 clients", ">= 10,000/s",
                 f"{count(figures['creates_together'])}/s", figures["creates_together"] >= 10_000)
        worst = figures["fanout"]["delivered_us"]["p99"] / 1e3
        want("one event to 1,000 watchers, p99", "<= 10 ms", f"{worst:.1f} ms", worst <= 10)
        middle = figures["list_ms"]["p50"]
        want("list of 10,000 pods", "<= 50 ms", f"{middle:.1f} ms", middle <= 50)
    return found


def targets_text(results):
    return "Targets:\n\n" + table(["what", "target", "measured", "met"], targets(results))


TEXTS = {"dns": dns_text, "fresh": fresh_text, "memory": memory_text, "api": api_text}


def text(results):
    machine = results["machine"]
    parts = [f"Measured {results['date']} on {machine['cores']} cores of {machine['processor']}, "
             f"Linux {machine['kernel']}, load and servers on the same cores, over loopback."]
    if "dns" in results:
        parts.append("Peers: " + ", ".join(
            version for version in results["dns"]["versions"].values() if version) + ".")
    for name, make in TEXTS.items():
        if name in results:
            parts += make(results[name])
    parts.append(targets_text(results))
    return "\n\n".join(parts) + "\n"


def plot(result, path):
    import matplotlib  # here, because only this needs it
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(result["saturated"])
    figures = [result["saturated"][name] for name in names]
    user = [f["user_us"] for f in figures]
    system = [f["system_us"] for f in figures]
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(13, 4))
    left.bar(names, system, color="#9aa5b1", label="system")
    left.bar(names, user, bottom=system, color="#2563a8", label="user")
    left.set_title("server CPU per query, saturated (us)")
    left.legend()
    middle.bar(names, [f["qps"] / 1000 for f in figures], color="#2563a8")
    middle.set_title("queries a second, saturated (thousands)")
    paced = [result["paced"][name] for name in names]
    places = range(len(names))
    right.bar([p - 0.2 for p in places], [f["p50_us"] for f in paced], 0.4, color="#9aa5b1",
              label="p50")
    right.bar([p + 0.2 for p in places], [f["p99_us"] for f in paced], 0.4, color="#2563a8",
              label="p99")
    right.set_xticks(list(places), names)
    right.set_title(f"latency at {count(result['rate'])} queries a second (us)")
    right.legend()
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path + ".svg")
    figure.savefig(path + ".png", dpi=120)
    pyplot.close(figure)


def write(results, folder):
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, "bench")
    with open(base + ".json", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    with open(base + ".md", "w", encoding="utf-8") as file:
        file.write(text(results))
    written = [base + ".json", base + ".md"]
    if "dns" in results:
        plot(results["dns"], base)
        written += [base + ".svg", base + ".png"]
    return written


def publish(results, results_folder, docs):
    """Keeps this run in the tree: docs/bench.md and its plot."""
    shutil.copy(os.path.join(results_folder, "bench.svg"), os.path.join(docs, "bench.svg"))
    path = os.path.join(docs, "bench.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Measured\n\nThe last run of `make bench` that was kept; what is measured, and how, "
                   "stands in [bench/README.md](../bench/README.md).\n\n![](bench.svg)\n\n"
                   + text(results))
    return path
