"""`python -m flows VERB`: runs a flow or a program, or shows what flows have left."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

from components.domain.errors import BadParams, PalateError
from components.domain.param_types import check_address
from components.files import sentence_of
from components.integrations.kubernetes import manifests
from flows import environment
from flows.machine import databases, programs

if TYPE_CHECKING:
    from flows.release.reconciliation import Outcome

STOPPED = 130  # exit code of a program that Ctrl-C ended
LAST_PORT = 65535


def main() -> int:
    """Runs the verb of the command line; a PalateError becomes one sentence on stderr and exit code 1."""
    command = _parser().parse_args()
    try:
        _check(command)
        environment.prepare(writes=command.verb not in {"doctor", "check-manifests"})
        environment.limit_waits()
        _run(command)
    except (PalateError, OSError) as error:  # the second: a full disk, a folder that is closed, a torn file
        sentence = sentence_of(error) if isinstance(error, OSError) else error
        print(f"palate: {sentence}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("palate: stopped; the same command goes on where this one was", file=sys.stderr)
        return STOPPED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows", description="Palate's night and what it leaves.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_flows(verbs)
    _add_views(verbs)
    _add_copies(verbs)
    _add_servers(verbs)
    return parser


def _add_flows(verbs: Any) -> None:
    nightly = verbs.add_parser("nightly", help="run tonight's flow and print its table")
    nightly.add_argument("--data", default="", help="folder or address of your tables; empty: collect.inbox")
    nightly.add_argument("--full", action="store_true", help="train from scratch, not from the champion")
    verbs.add_parser("release", help="one pass: release the champion, or say why not")
    verbs.add_parser("up", help="run everything here: Prefect, MLflow, the release and the service")
    forget = verbs.add_parser("forget", help="take a person out of the data, and list what holds them still")
    forget.add_argument("person", help="id of the person")
    forget.add_argument("--history", action="store_true", help="remove older data, too, and bar their models")
    recall = verbs.add_parser("recall", help="list who was shown, chose or ordered a dish lately")
    recall.add_argument("dish", help="id of the dish")


def _add_views(verbs: Any) -> None:
    doctor = verbs.add_parser("doctor", help="what a night would make of your tables; nothing is written")
    doctor.add_argument("--data", default="", help="as for nightly")
    doctor.add_argument("--write", action="store_true", help="write a fitting params.yaml beside the tables")
    verbs.add_parser("status", help="the last nights, what is served, what waits for a person")
    lineage = verbs.add_parser("lineage", help="from an answer to its rows, from data to its models")
    lineage.add_argument("what", help="an answer's id, a version, a Bento's tag, or a data version's md5")
    lineage.add_argument("--person", default="", help="show this person's rows in it, too")
    verbs.add_parser("env", help="variables by which the tools' own commands find this clone's state")
    overlay = verbs.add_parser("check-manifests", help="render an overlay and hold it against the rules")
    overlay.add_argument("overlay", help="folder of the overlay")


def _add_copies(verbs: Any) -> None:
    restore = verbs.add_parser("restore", help="bring a past night back in a folder beside this clone")
    restore.add_argument("night", help="a day as YYYY-MM-DD, a commit of the branch nights, or a version")
    restore.add_argument("--to", default="", help="folder that is created; empty: one below the state")
    back_up = verbs.add_parser("back-up", help="write all of this clone's state into one file")
    back_up.add_argument("--to", default="", help="path of the file; empty: one below the state")
    bring_back = verbs.add_parser("bring-back", help="fill a fresh clone's state from such a file")
    bring_back.add_argument("file", help="path of the file")


def _add_servers(verbs: Any) -> None:
    deploy = verbs.add_parser("deploy", help="give the deployments of prefect.yaml to PREFECT_API_URL")
    deploy.add_argument("--pool", choices=("process", "kubernetes"), default="process")
    deploy.add_argument("--image", default="", help="image of the Jobs in Kubernetes, by its digest")
    deploy.add_argument("--gpu", action="store_true", help="let these Jobs ask for a GPU")
    verbs.add_parser("worker", help="take runs of PREFECT_API_URL's pool `process` into this clone")
    verbs.add_parser("watch", help="start a release pass of PREFECT_API_URL where something has changed")
    verbs.add_parser("execute", help="run the flow run that a Job of Prefect's worker is for")
    serve = verbs.add_parser("serve", help="serve the Bento of the last night")
    serve.add_argument("--port", default="3000", help="port on 127.0.0.1")
    plan = verbs.add_parser("plan", help="plan a household's days with the Bento of the last night")
    plan.add_argument("people", help="ids with commas between them")
    plan.add_argument("--meals", default="", help="tags of dishes with commas between them, a meal each")
    plan.add_argument("--days", default="7")
    plan.add_argument("--bounds", default="", help="`reference`: within the reference intakes of an adult")
    mlflow = verbs.add_parser("mlflow", help="open MLflow's pages on the nights of this clone")
    mlflow.add_argument("--port", default="5000", help="port on 127.0.0.1")


def _check(command: argparse.Namespace) -> None:
    """Checks what the user wrote before anything is begun.

    Raises:
        BadParams: A word is not valid UTF-8, a path cannot be used, or the port is not a number.
    """
    values = vars(command)
    for value in values.values():
        if isinstance(value, str) and not value.isascii() and value != value.encode(errors="ignore").decode():
            raise BadParams(
                f"{value!r} is not written in UTF-8: set the terminal to UTF-8 and write it anew."
            )
    for name in {"to", "file"} & values.keys():
        try:
            check_address(values[name])
        except ValueError as error:
            raise BadParams(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    port = values.get("port", "1")
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= LAST_PORT):
        raise BadParams(f"The port '{port}' cannot be used: name one from 1 to {LAST_PORT}, as in PORT=3000.")


def _run(command: argparse.Namespace) -> None:
    verb = command.verb
    # A night and a release check the databases within their alarm; the doctor uses none of them.
    if verb not in {"nightly", "release", "doctor", "check-manifests"}:
        databases.check()
    if verb == "nightly":
        _nightly(command.data, full=command.full)
    elif verb == "doctor":
        from flows.machine import doctor

        print((doctor.write_settings if command.write else doctor.text)(command.data), end="")
    elif verb == "check-manifests":
        print(manifests.check(command.overlay))
    elif verb in {"up", "deploy", "status", "lineage", "forget", "recall", "restore"}:
        _run_with_params(command)
    elif verb in {"back-up", "bring-back"}:
        from flows.machine.back_up import back_up, bring_back

        print(back_up(command.to) if verb == "back-up" else bring_back(command.file))
    elif verb == "env":
        print(environment.as_exports())
    elif verb == "release":
        _release()
    elif verb == "watch":
        from components.domain.params_file import read_params
        from flows.machine import watcher

        look_s = read_params(environment.REPO / "params.yaml").up.look_s
        watcher.run(threading.Event(), look_s)  # until Ctrl-C
    elif verb == "worker":
        _become("prefect", "worker", "start", "--pool", "process", "--type", "process")
    elif verb == "execute":
        _become("prefect", "flow-run", "execute")
    elif verb in {"serve", "plan"}:
        _answer(command)
    else:
        os.environ["PALATE_MLFLOW_STORE"] = os.environ["MLFLOW_TRACKING_URI"]
        _become("flows.machine.servers", "mlflow", command.port)


def _nightly(inbox: str, *, full: bool) -> None:
    server = programs.own_prefect()
    # Imported here: Prefect reads its settings from the environment when it is imported.
    from flows import alarms, console, prefect_failures
    from flows.night import report as night_report
    from flows.night.flow import nightly

    with alarms.if_it_fails("night"):  # before Prefect's server tries for minutes to start on a full disk
        databases.check()
        environment.check_folders()
    console.leave_out_tracebacks()
    with alarms.if_it_fails("night"), prefect_failures.as_sentences(), server:
        print(night_report.as_text(nightly(inbox, full=full)))


def _run_with_params(command: argparse.Namespace) -> None:
    from components.domain.params_file import read_params
    from components.integrations.model_registry.registry import failures_as_sentences
    from flows import prefect_failures
    from flows.machine import deployments, lineage, restore, status, up
    from flows.night import forget, recall

    params = read_params(environment.REPO / "params.yaml")
    with failures_as_sentences(), prefect_failures.as_sentences():
        if command.verb == "up":
            up.run(params)
        elif command.verb == "deploy":
            deployments.deploy(params, command.pool, command.image, gpu=command.gpu or params.release.gpu)
        elif command.verb == "forget":
            print(forget.forget(params, command.person, history=command.history))
        elif command.verb == "recall":
            print(recall.by_hand(params, command.dish))
        elif command.verb == "restore":
            print(restore.restore(params, command.night, command.to))
        elif command.verb == "status":
            print(status.text(params))
        else:
            print(lineage.text(params, command.what, command.person))


def _release() -> None:
    server = programs.own_prefect()
    from flows import alarms, console, prefect_failures
    from flows.release.flow import release

    console.leave_out_tracebacks()
    with alarms.if_it_fails("release"), prefect_failures.as_sentences():
        databases.check()
        with server:
            outcome = cast("Outcome", release())  # Prefect gives the data of the state that a flow returns
            print(outcome.sentence)


def _answer(command: argparse.Namespace) -> None:
    """Lets the Bento of the last night answer: callers of a port, or one plan."""
    from flows.machine import plan
    from flows.night import next_step

    tag = next_step.bento_to_serve()
    if command.verb == "plan":
        print(plan.text(tag, command.people, command.meals, command.days, command.bounds))
    else:
        _become("bentoml", "serve", tag, "--host", "127.0.0.1", "--port", command.port)


def _become(*arguments: str) -> None:
    """Replaces this process by `python -m ARGUMENTS`, which thereby gets its signals and its terminal."""
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606


if __name__ == "__main__":
    raise SystemExit(main())
