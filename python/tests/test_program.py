"""The program that comes with the package: its exit codes and signals."""

import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

PROGRAM = [sys.executable, "-c", "from querist._cli import main; main()"]


def run(*arguments, **options):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options)


def test_exit_codes_are_those_of_the_program():
    assert run("--version").stdout.startswith("querist ")
    listed = run("strategies")
    assert listed.returncode == 0 and "margin" in listed.stdout
    refused = run("select", "--pool", "/nowhere.npy", "--strategy", "margin")
    assert refused.returncode == 2 and refused.stderr.startswith("error: ")
    assert run("no-such-command").returncode == 2


def test_a_reader_that_has_gone_is_no_fault():
    command = " ".join(f"'{word}'" for word in PROGRAM) + " strategies --markdown | head -n 1; exit ${PIPESTATUS[0]}"
    shell = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (shell.returncode, shell.stderr) == (0, "")


def test_signals_end_it_with_130(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'name = "long"\n[transfer]\npolicy = "universal"\ntargets = ["digits"]\n'
        'strategies = ["margin"]\nrepetitions = 2000\nblock = 1\n'
    )
    program = subprocess.Popen(
        [*PROGRAM, "run", str(plan), "--out", str(tmp_path / "run")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (tmp_path / "run").exists():
        assert program.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    assert program.wait(timeout=60) == 130


def test_a_program_of_ones_own_is_a_strategy(tmp_path):
    """Three lines of Python, asked over JSON lines."""
    script = tmp_path / "pick.py"
    script.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    query = json.loads(line)\n"
        "    print(json.dumps({'picks': query['candidates'][-query['batch']:]}), flush=True)\n"
    )
    np.save(tmp_path / "pool.npy", np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    np.save(tmp_path / "proba.npy", np.full((20, 2), 0.5, dtype=np.float32))
    (tmp_path / "labelled.csv").write_text("0,1\n19,0\n")
    arguments = ["select", "--pool", "pool.npy", "--proba", "proba.npy", "--labelled", "labelled.csv", "--batch", "3"]

    def choose(specification):
        return run(*arguments, "--strategy", specification, cwd=tmp_path)

    chosen = choose(f'external(command="{sys.executable} pick.py")')
    assert chosen.stdout.split() == ["16", "17", "18"], chosen.stderr
    silent = choose(f'external(command="sleep 60", timeout=0.2)')
    assert silent.returncode == 2 and "no answer within 0.2 seconds" in silent.stderr
    ended = choose('external(command="true")')
    assert ended.returncode == 2 and "ended without an answer" in ended.stderr
    missing = choose('external(command="./no-such-program")')
    assert missing.returncode == 2 and "cannot be started" in missing.stderr
    strange = choose('external(command="cat")')
    assert strange.returncode == 2 and "unknown field" in strange.stderr


@pytest.mark.skipif(shutil.which("querist") is None, reason="the console script is not installed")
def test_the_console_script_is_installed():
    assert subprocess.run(["querist", "--version"], capture_output=True, timeout=60).returncode == 0
