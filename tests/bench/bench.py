"""./run bench [NAME …] [--json FILE] [--doc FILE]: the benchmarks, as a table and as JSON.

Figures are CPU-seconds of all threads (user and system, /proc), bytes and counts that were verified; medians of
alternating rounds where a peer is measured beside us. A bar that is missed is reported, not a failure; a measurement
that cannot be made is one (exit status 1)."""
import argparse
import json
import os
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
import agents  # noqa: E402
import lists  # noqa: E402
import measures  # noqa: E402
import stand  # noqa: E402
import storm  # noqa: E402

BENCHES = {  # name: what runs, seconds it takes, whether it needs the peer
    "small": (measures.small, 90, True),
    "batches": (measures.batches, 40, False),
    "latency": (measures.latency, 60, False),
    "closed": (measures.closed, 30, False),
    "late": (measures.late, 150, False),
    "year": (measures.year, 40, False),
    "storm": (storm.storm, 40, False),
    "lists": (lists.lists, 150, False),
    "agent": (agents.agent, 480, False),
    "memory": (agents.memory, 30, False),
    "drain": (agents.drain, 30, False),
}


def figure(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.0f}" if abs(value) >= 100 else \
        f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(value):
    if value is None:
        return ""
    return f"1/{1 / value:.0f}" if 0 < value < 0.1 else f"{value:.2f}"


def lines_of(rows):
    """What the table says, a list of cells a row."""
    for one in rows:
        yield [one["what"], f"{figure(one['ours'])} {one['unit']}", figure(one["peer"]), ratio(one["ratio"]), one["bar"] or "",
               {True: "yes", False: "NO", None: ""}[one["reached"]]]


HEAD = ["what", "ours", "peer or floor", "ratio", "bar", "reached"]


def show(rows):
    table = [HEAD, *lines_of(rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    print()
    for number, line in enumerate(table):
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    for one in rows:
        note = "; ".join(filter(None, [f"against {one['peer_is']}" if one["peer_is"] else "", one["note"]]))
        if note:
            print(f"  {one['what']}: {note}")


def missed(rows):
    return [one for one in rows if one["reached"] is False]


def document(report):
    """The table as a part of docs/performance.md."""
    about, text = report["machine"], []
    text.append(f"{about['system']}, kernel {about['kernel']}, {about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB;"
                f" SQLite {about['sqlite']}, {about['mosquitto']}, {about['compiler']}"
                + "".join(f", {name} {version}" for name, version in report["peer"].items())
                + f". Revision {about['heliograph']}, seed {report['seed']}, {report['date']}.\n")
    text.append("| " + " | ".join(HEAD) + " |\n|---|--:|--:|--:|--:|---|")
    text += ["| " + " | ".join(line) + " |" for line in lines_of(report["rows"])]
    text.append("")
    for one in report["rows"]:
        note = "; ".join(filter(None, [f"against {one['peer_is']}" if one["peer_is"] else "", one["note"]]))
        if note:
            text.append(f"- {one['what']}: {note}.")
    return "\n".join(text) + "\n"


def write_document(path, report):
    """Between the two marks; what people wrote around them stays."""
    begin, end = "<!-- measured: written by ./run bench --doc -->\n", "<!-- end of what was measured -->\n"
    page = pathlib.Path(path).read_text()
    before, rest = page.split(begin)
    pathlib.Path(path).write_text(before + begin + "\n" + document(report) + "\n" + end + rest.split(end)[1])


def read_words():
    parser = argparse.ArgumentParser(prog="./run bench", description="names: " + " ".join(BENCHES))
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--json", metavar="FILE", help="where the figures go (preset build/bench.json)")
    parser.add_argument("--doc", metavar="FILE", help="write the table into this page, between its marks")
    words = parser.parse_args()
    for name in words.names:
        if name not in BENCHES:
            parser.error(f"there is no benchmark '{name}'; there are: {' '.join(BENCHES)}")
    return words


def run(names):
    rows, failures = [], []
    for number, name in enumerate(names, 1):
        what, seconds, needs_peer = BENCHES[name]
        stand.say(f"== {name} ({number} of {len(names)}, about {seconds} s)")
        try:
            if needs_peer:
                stand.prepare_peer()
            rows += [{"bench": name, **one} for one in what()]
        except Exception as trouble:  # one that fails takes no other along
            traceback.print_exc()
            failures.append({"bench": name, "why": str(trouble).splitlines()[0] if str(trouble) else repr(trouble)})
    return rows, failures


def main():
    words = read_words()
    names = words.names or list(BENCHES)
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    about, began = stand.machine(), time.monotonic()
    print(f"{about['system']}, {about['processor']}, {about['cores']} cores; load {about['load_before']}; "
          f"about {sum(BENCHES[name][1] for name in names) / 60:.0f} minutes", flush=True)
    rows, failures = run(names)
    report = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "seed": stand.SEED, "machine": about,
              "peer": stand.peer_versions(), "seconds": round(time.monotonic() - began), "rows": rows, "failures": failures}
    path = pathlib.Path(words.json or stand.BUILD / "bench.json")
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    show(rows)
    print()
    for one in failures:
        print(f"could not be measured: {one['bench']}: {one['why']}")
    if words.doc and not failures:
        write_document(words.doc, report)
    print(f"{sum(1 for one in rows if one['reached'])} bars reached, {len(missed(rows))} missed, {len(failures)} not measured; "
          f"{report['seconds']} s; figures in {path}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
