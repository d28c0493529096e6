"""The commands that measure this machine: speed, and load over hours."""

from __future__ import annotations

from .command import Command, Options, emit


def bench(options: Options) -> None:
    from ..bench import run
    from ..bench.keeping import keep

    rows = (keep if options.keep else run)(options.name or None)
    lines = [
        f"{row['name']:<28} {row['value']:>10.3f} {row['unit']:<8}"
        + (f" reference {row['reference']:.3f}, ratio {row['ratio']:.2f}" if row["ratio"] else "")
        for row in rows
    ]
    emit(options, {"rows": rows}, "\n".join(lines))


def soak(options: Options) -> None:
    from ..soak import Plan, in_words, run

    report = run(Plan(minutes=options.minutes, sockets=options.sockets, sessions=options.sessions))
    emit(options, report, in_words(report))
    if not report["ok"]:
        raise SystemExit(1)


COMMANDS = (
    Command(
        "bench",
        "measure speed, as ratios",
        bench,
        {
            "name": {"help": "row name", "nargs": "*"},
            "--keep": {
                "action": "store_true",
                "help": "save the rows to assets/records/bench.json, the source of docs/speed.md",
            },
        },
    ),
    Command(
        "soak",
        "load-test an explorer of its own: people drag, browsers come and go, a job trains and its workers are killed "
        "(docs/hosting.md)",
        soak,
        {
            "--minutes": {"type": float, "default": 10.0, "help": "default: 10"},
            "--sockets": {"type": int, "default": 50, "help": "people dragging (default: 50)"},
            "--sessions": {"type": int, "default": 10, "help": "browser sessions at a time (default: 10)"},
        },
    ),
)
