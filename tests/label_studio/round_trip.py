#!/usr/bin/env python3
"""A round trip between `querist session` and a running Label Studio.

    round_trip.py --querist PROGRAM --label-studio PROGRAM

Makes a pool of 40 short texts, has tasks for Label Studio written, imports and annotates them through its API, exports
them in three formats and takes the answers back. Then connects `querist session serve --label-studio` as a back end
and annotates under it. Every finding is a line; the exit code is 0 only if all of them are as expected.

Label Studio's data lie in a temporary folder, and all that was started is stopped in the end. Its users' tokens are
never printed.
"""

import argparse
import contextlib
import csv
import http.client
import http.server
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

CLASSES = ["praise", "blame"]
WORDS = {
    "praise": ["lovely", "great", "superb", "fine", "charming", "delightful"],
    "blame": ["awful", "dull", "poor", "broken", "tedious", "dreadful"],
}
ROWS = 40
BATCH = 10
# Seconds.
START_PATIENCE = 900
CALL_PATIENCE = 120
STOP_PATIENCE = 20
ARRIVAL_PATIENCE = 10

INTERFACE = """<View>
  <Text name="item" value="$item"/>
  <Choices name="label" toName="item" choice="single" showInline="true">
    <Choice value="praise"/>
    <Choice value="blame"/>
  </Choices>
</View>
"""


class Failed(Exception):
    """A step after which nothing further can be looked at."""


class Checks:
    """What was found; prints a line for each."""

    def __init__(self):
        self.started = time.monotonic()
        self.failed = []
        self.count = 0

    def note(self, text):
        print(f"{time.monotonic() - self.started:7.1f} s  {text}", flush=True)

    def that(self, what, holds, found=""):
        self.count += 1
        if holds:
            self.note(f"ok      {what}")
        else:
            self.failed.append(what)
            self.note(f"FAILED  {what}" + (f"\n           found: {found}" if found != "" else ""))

    def equal(self, what, found, expected):
        self.that(what, found == expected, f"{found!r}, expected {expected!r}")


class Querist:
    """The program and one session."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, command, *args):
        line = [self.program, "session", command, str(self.folder), *map(str, args)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=CALL_PATIENCE)
        if done.returncode != 0:
            raise Failed(f"{' '.join(line)}: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def json(self, command, *args):
        return json.loads(self.run(command, *args, "--json"))

    def tell(self, file):
        """What came of an answer file: counts, or the program's refusal."""
        try:
            taken = self.json("tell", file)
        except Failed as failure:
            return str(failure)
        return {name: taken[name] for name in ("new", "revised", "repeated")}

    def labels(self, file):
        """The class of every labelled row, through the file that `export` writes."""
        self.run("export", "--out", file, "--force")
        with open(file, newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        return {int(row["row"]): row["label"] for row in rows}


class LabelStudio:
    """Label Studio's API, as one user."""

    def __init__(self, port, token):
        self.port, self._token = port, token

    def call(self, method, path, body=None, raw=False):
        """Status and answer of a call."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_PATIENCE)
        headers = {"Authorization": f"Token {self._token}"}
        if body is not None:
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if raw:
            return answer.status, content
        try:
            return answer.status, json.loads(content or b"null")
        except ValueError:
            return answer.status, content.decode(errors="replace")[:300]

    def must(self, method, path, body=None, raw=False):
        """The answer of a call that has to succeed."""
        status, answer = self.call(method, path, body, raw)
        if status >= 300:
            raise Failed(f"{method} {path}: {status} {self.without_token(answer)}")
        return answer

    def without_token(self, answer):
        return str(answer).replace(self._token, "TOKEN")[:500]

    def project(self, title):
        return self.must("POST", "/api/projects", {"title": title, "label_config": INTERFACE})["id"]

    def import_tasks(self, project, file):
        tasks = json.loads(Path(file).read_text())
        return self.must("POST", f"/api/projects/{project}/import?return_task_ids=true", tasks)

    def sampled_by(self, project, version):
        change = {"sampling": "Uncertainty sampling", "model_version": version}
        self.must("PATCH", f"/api/projects/{project}", change)

    def next(self, project):
        """The next task, or nothing."""
        status, task = self.call("GET", f"/api/projects/{project}/next")
        return task if status == 200 else None

    def annotate(self, task, classes, cancelled=False):
        regions = [region(classes)] if classes else []
        body = {"result": regions, "was_cancelled": cancelled, "lead_time": 1.5}
        return self.must("POST", f"/api/tasks/{task}/annotations", body)

    def export(self, project, kind, file):
        content = self.must("GET", f"/api/projects/{project}/export?exportType={kind}", raw=True)
        Path(file).write_bytes(content)
        return file

    def predictions(self, project):
        """The latest prediction of every task, by its row."""
        tasks = self.must("GET", f"/api/tasks?project={project}&page_size=1000&fields=all")["tasks"]
        latest = {}
        for task in tasks:
            made = sorted(task["predictions"], key=lambda one: one["id"])
            latest[task["data"]["querist_row"]] = made[-1] if made else None
        return latest

    def retrieve(self, project):
        chosen = {"selectedItems": {"all": True, "excluded": []}}
        return self.call("POST", f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", chosen)


def region(classes):
    return {"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": classes}}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process, how=signal.SIGINT):
    """Ends a process and what it has started; its exit code."""
    if process.poll() is None:
        os.killpg(process.pid, how)
        try:
            process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode


@contextlib.contextmanager
def label_studio(program, folder, checks):
    """A running Label Studio with its data in `folder`."""
    port, token = free_port(), secrets.token_hex(20)
    environment = {
        **os.environ,
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "label-studio"),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        # Through the environment, so that no list of processes shows them.
        "LABEL_STUDIO_USERNAME": "someone@example.org",
        "LABEL_STUDIO_PASSWORD": secrets.token_hex(12),
        "LABEL_STUDIO_USER_TOKEN": token,
    }
    command = [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    log = folder / "label-studio.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        studio, began = LabelStudio(port, token), time.monotonic()
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if studio.call("GET", "/api/projects")[0] == 200:
                    break
            if process.poll() is not None or time.monotonic() - began > START_PATIENCE:
                tail = studio.without_token(log.read_text(errors="replace")[-500:])
                raise Failed(f"Label Studio did not start: {tail}")
            time.sleep(1)
        version = studio.must("GET", "/api/version").get("release", "?")
        checks.note(f"Label Studio {version} started in {time.monotonic() - began:.0f} s")
        yield studio
    finally:
        stop(process, signal.SIGTERM)


@contextlib.contextmanager
def back_end(querist, checks):
    """A running `session serve --label-studio`; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    line = [querist.program, "session", "serve", str(querist.folder), "--label-studio", "--listen", address]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        first = process.stdout.readline().strip()
        checks.equal("`serve` prints its address", first, f"http://{address}")
        if not first:
            raise Failed(f"`serve` did not start: {process.stderr.read().strip()}")
        yield address
    finally:
        code = stop(process)
        said = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        checks.that("`serve` ends on Ctrl-C", code in (0, 130, -signal.SIGINT), f"exit code {code}: {said.strip()}")


class Call(NamedTuple):
    """A call of Label Studio to the back end, and its answer."""

    method: str
    path: str
    body: str
    status: int
    answer: str
    seconds: float

    @property
    def action(self):
        """What a call of the webhook announces."""
        return json.loads(self.body).get("action") if self.path == "/webhook" else None


class Relay(http.server.ThreadingHTTPServer):
    """Passes calls on to the back end, and remembers them.

    The bodies of `/setup`, which carry a user's token, are not kept.
    """

    daemon_threads = True

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Relaying)
        self.target, self.calls = target, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Relaying(http.server.BaseHTTPRequestHandler):
    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {"Content-Type": self.headers.get("Content-Type") or "application/json"}
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.server.target, timeout=CALL_PATIENCE)
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        seconds = time.monotonic() - began
        kept = b"(not kept)" if self.path.startswith("/setup") else body
        self.server.calls.append(Call(self.command, self.path, kept.decode(), answer.status, content.decode(), seconds))
        self.send_response(answer.status)
        kind = answer.getheader("Content-Type")
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = pass_on

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def relay(target):
    server = Relay(target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def write_pool(file):
    """A pool without labels, and the class of every row."""
    draw, truth = random.Random(7), []
    with open(file, "w", newline="", encoding="utf-8") as out:
        lines = csv.writer(out)
        lines.writerow(["text"])
        for row in range(ROWS):
            truth.append(CLASSES[row % 2])
            one, two = draw.sample(WORDS[truth[-1]], 2)
            thing = draw.choice(["film", "book", "meal", "room", "song"])
            lines.writerow([f'The {thing} (no. {row}) was {one}, "{two}" & more'])
    return truth


def rows_of(tasks_file):
    return [task["data"]["querist_row"] for task in json.loads(Path(tasks_file).read_text())]


def versions_of(tasks_file):
    tasks = json.loads(Path(tasks_file).read_text())
    return sorted({task["predictions"][0]["model_version"] for task in tasks})


def new_session(program, folder, pool):
    querist = Querist(program, folder)
    args = ["--pool", pool, "--classes", ",".join(CLASSES), "--types", "text=text", "--batch", BATCH]
    querist.json("new", *args)
    return querist


def export_all(studio, project, folder, name):
    """A project's export in every format."""
    kinds = {"JSON": "json", "JSON_MIN": "min.json", "CSV": "csv"}
    return {kind: studio.export(project, kind, folder / f"{name}.{ending}") for kind, ending in kinds.items()}


def told_again(querist, exports, expected, checks, what=""):
    """Tells the other formats of an export to copies of a session that knows the first."""
    for kind in ["JSON_MIN", "CSV"]:
        place = querist.folder.with_name(f"copy-{secrets.token_hex(4)}")
        shutil.copytree(querist.folder, place)
        copy = Querist(querist.program, place)
        taken = copy.tell(exports[kind])
        known = isinstance(taken, dict) and taken["new"] == taken["revised"] == 0 < taken["repeated"]
        checks.that(f"{kind} after JSON{what}: all known before", known, taken)
        checks.equal(f"{kind} after JSON{what}: the labels stay", copy.labels(place.with_suffix(".csv")), expected)
        said = annotators(copy)
        checks.that(f"{kind} after JSON{what}: one person is one annotator", len(said) == 1, said)


def told_alone(program, pool, place, export, expected, checks, kind):
    """Tells an export to a session that knows nothing yet. Equal settings make an equal session."""
    alone = new_session(program, place, pool)
    taken = alone.tell(export)
    labels = alone.labels(place.with_suffix(".csv"))
    checks.that(
        f"{kind}: the labels are those that were given", labels == expected, f"{taken}, {labels}, expected {expected}"
    )


def annotators(querist):
    """Everybody who has answered."""
    return [one["annotator"] for one in querist.json("status")["annotators"]]


def files(program, studio, folder, checks):
    """Tasks out, annotations back, through files."""
    pool = folder / "pool.csv"
    truth = write_pool(pool)
    querist = new_session(program, folder / "session", pool)
    tasks_file = folder / "tasks.json"
    querist.run("ask", "--label-studio", tasks_file)
    asked = rows_of(tasks_file)
    checks.equal("ten rows are asked for", len(set(asked)), BATCH)

    project = studio.project("A round trip through files")
    imported = studio.import_tasks(project, tasks_file)
    checks.equal(
        "all tasks and predictions are imported", (imported["task_count"], imported["prediction_count"]), (BATCH, BATCH)
    )
    studio.sampled_by(project, versions_of(tasks_file)[0])

    # How the task at a place in the order is answered, where not by its class.
    cancelled, cancelled_with_choice, without_choice, corrected = 2, 3, 5, 7
    order, expected, first = [], {}, None
    for place in range(BATCH):
        task = studio.next(project)
        if task is None:
            break
        first = first or task
        row = task["data"]["querist_row"]
        order.append(row)
        right = truth[row]
        wrong = CLASSES[1 - CLASSES.index(right)]
        if place == cancelled:
            studio.annotate(task["id"], [], cancelled=True)
        elif place == cancelled_with_choice:
            studio.annotate(task["id"], [wrong], cancelled=True)
        elif place == without_choice:
            studio.annotate(task["id"], [])
        else:
            made = studio.annotate(task["id"], [wrong if place == corrected else right])
            if place == corrected:
                studio.must("PATCH", f"/api/annotations/{made['id']}", {"result": [region([right])]})
            expected[row] = right
    checks.equal("uncertainty sampling hands out the order of asking", order, asked)
    empty = asked[without_choice]
    skipped = {asked[cancelled], asked[cancelled_with_choice]}

    exports = export_all(studio, project, folder, "once")
    taken = querist.tell(exports["JSON"])
    checks.equal("JSON: nine answers are new", taken, {"new": BATCH - 1, "revised": 0, "repeated": 0})
    counts = querist.json("status")["counts"]
    checks.equal("JSON: both cancelled ones are abstentions", counts["abstained"], len(skipped))
    checks.equal("JSON: the one without a choice is still asked for", counts["pending"], 1)
    told_again(querist, exports, expected, checks)
    for kind in exports:
        told_alone(program, pool, folder / f"once-{kind}", exports[kind], expected, checks, kind)

    # Exports with more in them: tasks without annotations, and snapshots that have people's addresses.
    for kind in exports:
        path = f"/api/projects/{project}/export?exportType={kind}&download_all_tasks=true"
        (folder / exports[kind].name.replace("once", "all")).write_bytes(studio.must("GET", path, raw=True))
        told_alone(
            program,
            pool,
            folder / f"all-{kind}",
            folder / exports[kind].name.replace("once", "all"),
            expected,
            checks,
            f"{kind} of all tasks",
        )
    people = {"serialization_options": {"annotations__completed_by": {"only_id": False}}}
    snapshot = studio.must("POST", f"/api/projects/{project}/exports", people)["id"]
    for _ in range(ARRIVAL_PATIENCE):
        if studio.must("GET", f"/api/projects/{project}/exports/{snapshot}")["status"] == "completed":
            break
        time.sleep(1)
    file = folder / "snapshot.json"
    file.write_bytes(
        studio.must("GET", f"/api/projects/{project}/exports/{snapshot}/download?exportType=JSON", raw=True)
    )
    place = folder / "session-snapshot"
    shutil.copytree(querist.folder, place)
    taken = Querist(program, place).tell(file)
    checks.that(
        "a snapshot with people's addresses after JSON: all known before",
        isinstance(taken, dict) and taken["new"] == taken["revised"] == 0,
        taken,
    )

    # One more annotation of a task by the same person, who thinks otherwise now.
    task = first["id"]
    row = first["data"]["querist_row"]
    expected[row] = CLASSES[1 - CLASSES.index(truth[row])]
    studio.annotate(task, [expected[row]])
    exports = export_all(studio, project, folder, "twice")
    for kind in exports:
        told_alone(
            program, pool, folder / f"twice-{kind}", exports[kind], expected, checks, f"{kind}, a task annotated twice"
        )
    taken = querist.tell(exports["JSON"])
    checks.that(
        "JSON, a task annotated twice: the later one counts",
        isinstance(taken, dict) and taken["revised"] == 1 and taken["new"] == 0,
        taken,
    )
    told_again(querist, exports, expected, checks, ", a task annotated twice")

    # The labels as tasks for another project, and back.
    labelled = folder / "labelled.json"
    querist.run("export", "--format", "label-studio", "--out", labelled)
    other = studio.project("The labels of a session")
    imported = studio.import_tasks(other, labelled)
    checks.equal(
        "labels are imported as annotations", imported["annotation_count"], len(querist.labels(folder / "labels.csv"))
    )
    back = new_session(program, folder / "session-back", pool)
    back.tell(studio.export(other, "JSON", folder / "back.json"))
    checks.equal("labels come back from there", back.labels(folder / "back.csv"), querist.labels(folder / "labels.csv"))

    # A second batch in the same project. It begins with the row that was not answered.
    second = folder / "second.json"
    querist.run("ask", "--label-studio", second)
    asked = rows_of(second)
    checks.that("the row that was not answered comes again", asked[0] == empty, asked)
    versions = versions_of(second)
    checks.that(
        "all tasks of a batch have one model version, as the project can follow one", versions == ["querist"], versions
    )
    studio.import_tasks(project, second)
    studio.sampled_by(project, versions[-1])
    order = []
    for _ in range(BATCH):
        task = studio.next(project)
        if task is None:
            break
        row = task["data"]["querist_row"]
        order.append(row)
        studio.annotate(task["id"], [truth[row]])
        expected[row] = truth[row]
    checks.equal("the second batch is handed out in the order of asking", order, asked)
    taken = querist.tell(studio.export(project, "JSON", folder / "second-full.json"))
    checks.that("the second batch is taken", isinstance(taken, dict) and taken["new"] == len(set(order)), taken)
    labels = querist.labels(folder / "labels.csv")
    checks.equal("the labels of both batches are those that were given", labels, expected)


def arrives(querist, holds):
    """Waits until the session's counts are as expected; the last counts."""
    began = time.monotonic()
    while True:
        counts = querist.json("status")["counts"]
        if holds(counts) or time.monotonic() - began > ARRIVAL_PATIENCE:
            return counts
        time.sleep(0.2)


def whole_pool(program, studio, folder, title):
    """A session, and a project with its whole pool, of which nobody has a row in hand; also the rows' classes."""
    pool = folder / "pool.csv"
    truth = write_pool(pool)
    querist = new_session(program, folder / "session", pool)
    tasks_file = folder / "tasks.json"
    querist.run("ask", "--batch", ROWS, "--label-studio", tasks_file)
    querist.run("release", "--all")
    tasks = [{"data": task["data"]} for task in json.loads(tasks_file.read_text())]
    tasks_file.write_text(json.dumps(tasks))
    project = studio.project(title)
    studio.import_tasks(project, tasks_file)
    return querist, project, truth


def served(program, studio, folder, checks):
    """The back end: the whole pool in a project, which asks what comes next."""
    querist, project, truth = whole_pool(program, studio, folder, "A back end that asks")
    longest = []

    def labels(count):
        return lambda counts: counts["labelled"] == count

    with back_end(querist, checks) as address, relay(address) as passed:
        # Connected by its own address first: what the relay would hide is the name it is called under.
        status, answer = studio.call(
            "POST", "/api/ml", {"project": project, "url": f"http://{address}", "title": "direct"}
        )
        checks.that(
            "the back end is connected by its own address",
            status == 201 and answer["state"] == "CO",
            f"{status} {studio.without_token(answer)}",
        )
        if status == 201:
            studio.must("DELETE", f"/api/ml/{answer['id']}")
        for hook in studio.must("GET", f"/api/webhooks?project={project}"):
            studio.must("DELETE", f"/api/webhooks/{hook['id']}")
        status, answer = studio.call("POST", "/api/ml", {"project": project, "url": passed.url, "title": "querist"})
        if status != 201:
            raise Failed(f"POST /api/ml: {status} {studio.without_token(answer)}")
        model = answer["id"]
        hooks = [hook["url"] for hook in studio.must("GET", f"/api/webhooks?project={project}")]
        checks.equal("connecting has added the webhook, for all actions", hooks, [f"{passed.url}/webhook"])
        if not hooks:
            hook = {
                "project": project,
                "url": f"{passed.url}/webhook",
                "send_payload": True,
                "send_for_all_actions": True,
            }
            studio.must("POST", "/api/webhooks", hook)

        def step(name):
            """The calls of a step, which begins anew."""
            calls, passed.calls[:] = list(passed.calls), []
            for call in calls:
                if call.status >= 300:
                    checks.that(
                        f"{name}: {call.method} {call.path} is understood", False, f"{call.status} {call.answer}"
                    )
            longest.extend((call.seconds, call.path) for call in calls)
            return calls

        step("connecting")
        status, answer = studio.retrieve(project)
        checks.equal("predictions are retrieved", status, 200)
        step("predictions")
        made = studio.predictions(project)
        checks.that(
            "every task has a prediction", all(made.values()), f"{sum(map(bool, made.values()))} of {len(made)}"
        )
        hand = [one["row"] for one in querist.json("ask", "--annotator", "label-studio")["rows"]]
        ranked = sorted((row for row in made if made[row]), key=lambda row: made[row]["score"])
        checks.equal("the rows that the session asks for have the lowest scores", ranked[: len(hand)], hand)

        # What the model page offers as the project's version.
        versions = {one["model_version"] for one in made.values() if one}
        set_up = studio.must("GET", f"/api/ml/{model}")["model_version"]
        checks.equal("predictions bear the version that a project follows", sorted(versions), ["querist"])
        checks.equal("/setup counts the answers, so that predictions are asked for again", set_up, "querist 0")
        step("versions")
        if versions:
            studio.sampled_by(project, sorted(versions)[0])
        step("settings")

        order = []
        for count in range(1, BATCH + 1):
            task = studio.next(project)
            row = task["data"]["querist_row"]
            order.append(row)
            studio.annotate(task["id"], [truth[row]])
            if count == 1:
                calls = step("the first annotation")
                kinds = [call.action for call in calls]
                checks.that("an annotation is announced once", kinds.count("ANNOTATION_CREATED") == 1, kinds)
                counts = arrives(querist, labels(1))
                checks.equal("the first annotation arrives in the session", counts["labelled"], 1)
        checks.equal("the project hands out what the session asks for, in its order", order, hand)
        counts = arrives(querist, labels(BATCH))
        checks.equal("all annotations arrive", counts["labelled"], BATCH)
        step("annotations")
        expected = {row: truth[row] for row in order}
        checks.equal("they are those that were given", querist.labels(folder / "labels.csv"), expected)

        # What comes next, now that there are labels to choose by.
        status, _ = studio.retrieve(project)
        checks.equal("predictions are retrieved again", status, 200)
        calls = step("predictions again")
        checks.that(
            "Label Studio asks the back end again",
            any(call.path == "/predict" for call in calls),
            [call.path for call in calls],
        )
        made = studio.predictions(project)
        hand = [one["row"] for one in querist.json("ask", "--annotator", "label-studio")["rows"]]
        open_rows = [row for row in made if row not in expected and made[row]]
        ranked = sorted(open_rows, key=lambda row: made[row]["score"])
        checks.equal("the rows that the session now asks for have the lowest scores", ranked[: len(hand)], hand)
        with_class = [row for row in hand if made.get(row) and made[row]["result"]]
        checks.that(
            "they carry the class that is expected", len(with_class) == len(hand), f"{len(with_class)} of {len(hand)}"
        )
        versions = {one["model_version"] for one in made.values() if one}
        set_up = studio.must("GET", f"/api/ml/{model}")["model_version"]
        checks.equal("after a batch, /setup counts its answers", set_up, f"querist {BATCH}")
        step("settings again")
        task = studio.next(project)
        checks.equal("the project hands out what the session asks for now", task["data"]["querist_row"], hand[0])

        # A few answers later. Label Studio leaves tasks out that have a prediction of the version that /setup gives.
        for _ in range(3):
            task = studio.next(project)
            row = task["data"]["querist_row"]
            expected[row] = truth[row]
            studio.annotate(task["id"], [truth[row]])
        arrives(querist, labels(BATCH + 3))
        studio.retrieve(project)
        calls = step("predictions, a third time")
        checks.that(
            "after three more answers, Label Studio asks the back end again",
            any(call.path == "/predict" for call in calls),
            [call.path for call in calls],
        )
        made = studio.predictions(project)
        hand = [one["row"] for one in querist.json("ask", "--annotator", "label-studio")["rows"]]
        ranked = sorted((row for row in made if row not in expected and made[row]), key=lambda row: made[row]["score"])
        checks.equal(
            "after three more answers, the rows that the session asks for have the lowest scores",
            ranked[: len(hand)],
            hand,
        )
        # Predictions that are deleted are retrieved in any case.
        chosen = {"selectedItems": {"all": True, "excluded": []}}
        studio.must("POST", f"/api/dm/actions?id=delete_tasks_predictions&project={project}", chosen)
        studio.retrieve(project)
        step("predictions after a deletion")
        made = studio.predictions(project)
        studio.sampled_by(project, next(one["model_version"] for one in made.values() if one))
        hand = [one["row"] for one in querist.json("ask", "--annotator", "label-studio")["rows"]]
        task = studio.next(project)
        checks.equal(
            "with predictions deleted and retrieved, the project asks what the session asks",
            task["data"]["querist_row"],
            hand[0],
        )

        # Changes of an annotation.
        row = task["data"]["querist_row"]
        right, wrong = truth[row], CLASSES[1 - CLASSES.index(truth[row])]
        note = studio.annotate(task["id"], [wrong])["id"]
        arrives(querist, labels(BATCH + 4))
        studio.must("PATCH", f"/api/annotations/{note}", {"result": [region([right])]})
        time.sleep(1)
        found = querist.labels(folder / "labels.csv").get(row)
        checks.equal("a corrected annotation arrives", found, right)
        step("a correction")
        task = studio.next(project)
        studio.annotate(task["id"], [], cancelled=True)
        counts = arrives(querist, lambda counts: counts["abstained"] == 1)
        checks.equal("a cancelled annotation arrives as an abstention", counts["abstained"], 1)
        step("a cancelled annotation")
        task = studio.next(project)
        studio.annotate(task["id"], [])
        step("an annotation without a choice")

        # The other calls that Label Studio makes to a back end.
        status, answer = studio.call("POST", f"/api/ml/{model}/train", {})
        calls = step("training")
        said = [(call.action, call.status, call.answer) for call in calls if call.path == "/webhook"]
        in_json = said and all(answer.startswith("{") for *_, answer in said)
        checks.that(
            "`Start training` is answered in JSON, as Label Studio reads it",
            in_json,
            f"{said}; POST /api/ml/{model}/train: {status} {studio.without_token(answer)}",
        )
        status, answer = studio.call("GET", f"/api/ml/{model}/versions")
        checks.that("the model page's versions are answered", status == 200, f"{status} {studio.without_token(answer)}")
        step("the model page")
        studio.must(
            "PATCH",
            f"/api/ml/{model}",
            {"is_interactive": True, "project": project, "url": passed.url, "title": "querist"},
        )
        step("interactive")
        task = studio.next(project)
        status, answer = studio.call(
            "POST", f"/api/ml/{model}/interactive-annotating", {"task": task["id"], "context": {"result": []}}
        )
        checks.that(
            "interactive annotating is answered",
            status == 200 and not answer.get("errors"),
            f"{status} {studio.without_token(answer)}",
        )
        step("interactive annotating")

        # Predictions taken over in bulk, which are announced in one call.
        before = querist.json("status")["counts"]["labelled"]
        task = studio.next(project)
        chosen = {"selectedItems": {"all": False, "included": [task["id"]]}}
        done = {
            "task": task["id"],
            "result": [region([truth[task["data"]["querist_row"]]])],
            "model_version": "by hand",
            "score": 0.5,
        }
        studio.must("POST", "/api/predictions", done)
        chosen["model_version"] = "by hand"
        status, answer = studio.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={project}", chosen)
        calls = step("predictions to annotations")
        kinds = [call.action for call in calls if call.action]
        counts = arrives(querist, labels(before + 1))
        checks.that(
            "annotations that are made in bulk (ANNOTATIONS_CREATED) arrive",
            counts["labelled"] == before + 1,
            f"{status} {studio.without_token(answer)}, {kinds}, {before} labels before, {counts['labelled']} after",
        )

        # An annotation that is deleted.
        before = querist.json("status")["counts"]["labelled"]
        studio.must("DELETE", f"/api/annotations/{note}")
        calls = step("a deletion")
        kinds = [(call.action, json.loads(call.body).get("annotations")) for call in calls if call.action]
        after = querist.json("status")["counts"]["labelled"]
        checks.note(f"        a deletion is announced as {kinds}; {before} labels before, {after} after")

        slowest = {}
        for seconds, path in longest:
            slowest[path] = max(seconds, slowest.get(path, 0))
        checks.note(
            "        slowest calls: " + ", ".join(f"{path} {seconds:.2f} s" for path, seconds in slowest.items())
        )
        checks.that(
            "/health is answered within 1 s, /setup within 3 s", slowest["/health"] < 1 and slowest["/setup"] < 3
        )

        # The export of the same project has nothing new.
        taken = querist.tell(studio.export(project, "JSON", folder / "full.json"))
        checks.that(
            "the project's export says what the webhook said",
            isinstance(taken, dict) and taken["new"] == taken["revised"] == 0,
            taken,
        )
        said = annotators(querist)
        checks.that("one person is one annotator there, too", len(said) == 1, said)


def in_hand(program, studio, folder, checks):
    """The back end behind a project of tasks that `ask --label-studio` wrote, as the manual has it."""
    pool = folder / "pool.csv"
    write_pool(pool)
    querist = new_session(program, folder / "session", pool)
    tasks_file = folder / "tasks.json"
    querist.run("ask", "--label-studio", tasks_file)
    project = studio.project("A back end behind a batch")
    studio.import_tasks(project, tasks_file)
    with back_end(querist, checks) as address:
        studio.must("POST", "/api/ml", {"project": project, "url": f"http://{address}", "title": "querist"})
        studio.retrieve(project)
        made = studio.predictions(project)
        ranked = sorted(made, key=lambda row: made[row]["score"])
        scores = [made[row]["score"] for row in ranked]
        checks.that(
            "tasks of a batch keep its order under the back end",
            ranked == rows_of(tasks_file) and len(set(scores)) == len(scores),
            scores,
        )
        counts = querist.json("status")["counts"]
        checks.that(
            "the back end takes no rows in hand that the project does not have",
            counts["pending"] == BATCH,
            f"{counts['pending']} rows in hand, {BATCH} tasks",
        )


def opened(program, studio, folder, checks):
    """The back end as it is connected, without settings, and a task that is opened by itself."""
    querist, project, _ = whole_pool(program, studio, folder, "A back end without settings")
    with back_end(querist, checks) as address:
        studio.must("POST", "/api/ml", {"project": project, "url": f"http://{address}", "title": "querist"})
        tasks = studio.must("GET", f"/api/tasks?project={project}&page_size=1000&fields=all")["tasks"]
        hand = [one["row"] for one in querist.json("ask", "--annotator", "label-studio")["rows"]]
        # The third in the order of asking. Opening it has its prediction made, by itself.
        row = hand[2]
        task = next(task["id"] for task in tasks if task["data"]["querist_row"] == row)
        alone = studio.must("GET", f"/api/tasks/{task}")["predictions"]
        studio.must(
            "POST",
            f"/api/dm/actions?id=delete_tasks_predictions&project={project}",
            {"selectedItems": {"all": True, "excluded": []}},
        )
        studio.retrieve(project)
        together = studio.predictions(project)[row]["score"]
        checks.that(
            "a task has the same score alone as among others",
            alone and alone[0]["score"] == together,
            f"{[one['score'] for one in alone]} alone, {together} among others",
        )
        studio.must("PATCH", f"/api/projects/{project}", {"sampling": "Uncertainty sampling"})
        follows = studio.must("GET", f"/api/projects/{project}")["model_version"]
        bear = sorted({one["model_version"] for one in studio.predictions(project).values() if one})
        handed = studio.next(project)["data"]["querist_row"]
        checks.that(
            "as connected, the project hands out the order of asking",
            handed == hand[0],
            f"row {handed}, expected {hand[0]}; the project follows {follows!r}, predictions bear {bear}",
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--querist", required=True, metavar="PROGRAM")
    parser.add_argument("--label-studio", required=True, metavar="PROGRAM")
    args = parser.parse_args()
    checks = Checks()
    version = subprocess.run([args.querist, "--version"], capture_output=True, text=True, check=True)
    checks.note(version.stdout.strip())
    with tempfile.TemporaryDirectory(prefix="round-trip-") as folder:
        folder = Path(folder)
        try:
            with label_studio(args.label_studio, folder, checks) as studio:
                for part in (files, served, in_hand, opened):
                    checks.note(f"--- {part.__doc__}")
                    place = folder / part.__name__
                    place.mkdir()
                    try:
                        part(args.querist, studio, place, checks)
                    except Failed as failure:
                        checks.that(f"`{part.__name__}` comes to its end", False, failure)
        except Failed as failure:
            checks.that("Label Studio runs", False, failure)
    checks.note(f"{checks.count - len(checks.failed)} of {checks.count} checks hold")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
