"""The command line: one verb a job. What a verb needs is imported when it is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Learn and run e-commerce operations with data.",
    pretty_exceptions_enable=False,
)

_BUSY = 75  # EX_TEMPFAIL: another run holds the folder


def main() -> None:
    """Run the command line; what a user can mend is said in one line, without a traceback."""
    gc.set_threshold(50_000)  # imports and pages make much that stays and little rubbish
    app()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say in one line what is wrong, and leave with a code that scripts understand."""
    try:
        yield
    except (ValueError, FileNotFoundError, NotADirectoryError) as error:
        _stop(str(error))
    except BrokenPipeError:  # whoever read our words has heard enough
        sys.stderr.close()
        raise typer.Exit(0) from None
    except OSError as error:
        _stop(f"{error.filename or 'the disk'}: {error.strerror or error}. Nothing was replaced.")


def _stop(message: str, code: int = 1) -> None:
    typer.echo(f"ecomlab: {message}", err=True)
    raise typer.Exit(code)


@app.command(epilog="Example: ecomlab simulate --preset west_d2c --seed 7 --out stores/demo")
def simulate(
    out: Annotated[Path, typer.Option(help="Folder of the new store.")],
    preset: Annotated[
        str, typer.Option(help="Which world: west_d2c, cn_platform or tiny.")
    ] = "west_d2c",
    seed: Annotated[int, typer.Option(help="Same seed, same store.")] = 7,
    people: Annotated[
        int | None, typer.Option(help="People who might buy; the preset's own number.", min=1)
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days; the preset's own.", min=1)] = None,
    plan: Annotated[Path | None, typer.Option(help="Decisions to carry out (YAML).")] = None,
    power: Annotated[
        Literal["teaching", "realistic"],
        typer.Option(help="Effects of features: large for a lesson, or as usual."),
    ] = "teaching",
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Keep what is done, and go on from what a stop left behind."),
    ] = False,
) -> None:
    """Make a store; the truth goes to a sealed file beside it, never into it."""
    with _plain_errors():
        from ecomlab.simulator import Plan, load_scenario, simulate_into

        decisions = None if plan is None else Plan.from_yaml(plan)
        scenario = load_scenario(preset).with_power(power)
        length = days or scenario.days
        with typer.progressbar(length=length, label="Simulating days", file=sys.stderr) as bar:
            store = simulate_into(
                out, scenario, seed, decisions, people, days,
                progress=lambda done, _: bar.update(done - bar.pos), resume=resume,
            )  # fmt: skip
        typer.echo(f"{out}: {store}")
        typer.echo(f"The truth is sealed in {out}.truth.zip.")


@app.command(
    "import", epilog="Example: ecomlab import orders.csv --format shopify --out stores/mine"
)
def import_(
    sources: Annotated[list[Path] | None, typer.Argument(help="Files of the export.")] = None,
    format: Annotated[str, typer.Option(help="A ready format, or your mapping file.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder of the new store.")] = None,
    name: Annotated[str | None, typer.Option(help="The store's name.")] = None,
    template: Annotated[
        bool,
        typer.Option(
            "--template",
            help="Print a mapping to fill in (that of --format); or the piece 'survey' or "
            "'competitors' of one.",
        ),
    ] = False,
) -> None:
    """Turn an export into a store; rejected rows go to a file, with the reason."""
    with _plain_errors():
        from ecomlab.store.importers import import_files, read_salt, template_text

        if template:
            typer.echo(template_text(format or (str(sources[0]) if sources else "orders")))
            return
        if not sources or not format or out is None:
            _stop("give the files, --format and --out; or --template for a mapping to fill in.", 2)
            return
        # The salt of an earlier import keeps the customers' pseudonyms the same.
        done = import_files(sources, format=format, name=name, salt=read_salt(out))
        store = done.save(out)
        typer.echo(done.report())
        typer.echo(f"{out}: {store}")
        typer.echo(f"Every row left out or read differently: {out / 'rejected.csv'}")


@app.command(epilog="Example: ecomlab check stores/demo")
def check(store: Annotated[Path, typer.Argument(help="Folder of the store.")]) -> None:
    """Check a store against its contract; say what each notebook section has and lacks."""
    with _plain_errors():
        from ecomlab.store import open_store

        opened = open_store(store)
        broken = opened.check()
        typer.echo(str(opened))
        for row in broken.itertuples():
            where = f", first at {row.first}" if row.first else ""
            what = f"{row.table}.{row.column}: {row.rule} ({row.rows:,} rows{where})"
            typer.echo(f"{row.severity}: {what}. {row.remedy}")
        errors = int((broken["severity"] == "error").sum())
        typer.echo("The contract holds." if not errors else f"{errors} rules are broken.")
        typer.echo("")
        for row in opened.readiness().itertuples():
            lacks = f": {row.missing}. {row.remedy}" if row.missing else ""
            typer.echo(f"{row.state:10} {row.notebook} / {row.section}{lacks}")
        if errors:
            raise typer.Exit(1)


@app.command(epilog="Example: ecomlab run 01_goal_setting --store stores/demo -p seed=3")
def run(
    notebooks: Annotated[list[str] | None, typer.Argument(help="Names; all if none.")] = None,
    store: Annotated[Path, typer.Option(help="Folder of the store.")] = Path("stores/demo"),
    out: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("reports"),
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="NAME=VALUE, many times.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Run again what is there already.")] = False,
    jobs: Annotated[int, typer.Option(help="Notebooks at a time.", min=1)] = 2,
    timeout: Annotated[float, typer.Option(help="Seconds a notebook may take.", min=1)] = 600,
) -> None:
    """Execute notebooks on a store; write a page for each, and an index."""
    with _plain_errors():
        from ecomlab.reports import RunnerBusyError, RunOptions, run_notebooks
        from ecomlab.reports.notebooks import find_notebooks
        from ecomlab.reports.parameters import split_assignments

        try:
            runs = run_notebooks(
                find_notebooks(notebooks or []),
                store=store,
                out=out,
                values=split_assignments(parameter or []),
                options=RunOptions(jobs=jobs, fresh=fresh, timeout=timeout, progress=typer.echo),
            )
        except RunnerBusyError as error:
            _stop(str(error), _BUSY)
            return
        failed = [one for one in runs if one.state not in ("done", "kept")]
        for one in failed:
            typer.echo(f"{one.name}: failed. {one.reason}", err=True)
        typer.echo(f"Open {(out / 'index.html').resolve().as_uri()}")
        if failed:
            raise typer.Exit(1)


@app.command(epilog="Example: ecomlab build --check")
def build(
    check: Annotated[bool, typer.Option("--check", help="Only say what has drifted.")] = False,
    only: Annotated[str, typer.Option(help="Only names that hold this text.")] = "",
) -> None:
    """Build notebooks and exercises from their sources."""
    with _plain_errors():
        from ecomlab.course.build import build_course, find_drift
        from ecomlab.reports.notebooks import course_root

        if check:
            drift = find_drift(course_root())
            for line in drift:
                typer.echo(line, err=True)
            if drift:
                raise typer.Exit(1)
            typer.echo("Every notebook matches its source.")
            return
        changed = build_course(course_root(), only=only, progress=typer.echo)
        typer.echo(f"{len(changed)} files changed.")


@app.command(epilog="Example: ecomlab doctor")
def doctor() -> None:
    """Say whether this machine is fit for the course, with a trial of ten seconds."""
    with _plain_errors():
        from ecomlab.course.doctor import examine

        findings = examine()
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.is_good else 'MIND'} {finding.what}: {finding.said}")
        if not all(finding.is_good for finding in findings):
            raise typer.Exit(1)


@app.command(epilog="Example: ecomlab lab")
def lab() -> None:
    """Open JupyterLab on the notebooks."""
    with _plain_errors():
        import subprocess

        from ecomlab.reports.notebooks import course_root

        command = [sys.executable, "-m", "jupyterlab", str(course_root() / "notebooks")]
        raise typer.Exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
