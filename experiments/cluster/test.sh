#!/bin/bash
# Slurm with two nodes on this machine, for real: a comparison and a training as arrays, processes killed with -9 and a
# lost node, and the rows and the policy of a single process in the end.
#
#     apt-get install --no-install-recommends slurm-wlm munge
#     bash experiments/cluster/test.sh target/release/querist         # as root; some four minutes
#
# A program built with the feature `mpi` (`openmpi-bin libopenmpi-dev libclang-dev`) also trains as an MPI job of two ranks under srun.
#
# Daemons, keys and logs live in a folder of their own, which is removed; nothing is installed or left running.
set -euo pipefail
program=$(realpath "${1:?the program}")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d /tmp/querist-slurm.XXXXXX)
# By its place its processes are told from all others.
querist=$work/querist
cp "$program" "$querist"
pids=()
finish() {
    status=$?
    [ "$status" -eq 0 ] || tail -n 40 "$work"/*.log "$work"/slurm-*.out 2>/dev/null || true
    scancel --me 2>/dev/null && sleep 3
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
cd "$work"
chmod 755 "$work"

dd if=/dev/urandom of=munge.key bs=1 count=1024 status=none
chmod 600 munge.key
munged --key-file "$work/munge.key" --socket "$work/munge.socket" --pid-file "$work/munge.pid" \
    --log-file "$work/munge.log" --seed-file "$work/munge.seed" --force --foreground 2>>munge.err.log &
pids+=($!)
mkdir state spool
host=$(hostname -s)
cat > slurm.conf <<CONF
ClusterName=querist
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5,socket=$work/munge.socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/ctld.pid
SlurmdPidFile=$work/%n.pid
SlurmctldLogFile=$work/ctld.log
SlurmdLogFile=$work/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdTimeout=10
JobRequeue=1
ReturnToService=2
MinJobAge=300
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=26818 CPUs=2 RealMemory=4000 State=UNKNOWN
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=26819 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes=one,two Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
# Slurm makes sure that a node has the processors that it says.
sed -i "s/^SlurmdTimeout/SlurmdParameters=config_overrides\nSlurmdTimeout/" slurm.conf
export SLURM_CONF=$work/slurm.conf QUERIST=$querist
slurmctld -D >>ctld.err.log 2>&1 &
pids+=($!)
declare -A node
start_node() {
    setsid slurmd -D -N "$1" >>"$1.err.log" 2>&1 &
    node[$1]=$!
    pids+=($!)
}
start_node one
start_node two
for _ in $(seq 60); do
    [ "$(sinfo -h -o %t 2>/dev/null | sort -u)" = idle ] && break
    sleep 1
done
sinfo

cat > x.toml <<'PLAN'
name = "x"
[learner]
hidden = [8]
epochs = 30
[episode]
rounds = 8
[sources]
datasets = ["wine"]
synthetic = 12
validation_synthetic = 4
max_pool = 120
[train]
imitation = { episodes = 48, states = 4, candidates = 12, epochs = 3 }
dagger = { rounds = 1, episodes = 16 }
evolution = { iterations = 6, pairs = 8, tasks_per_pair = 4, validate_every = 2 }
policy_gradient = { iterations = 2, episodes = 16, validate_every = 1 }
validation_episodes = 8
PLAN
cat > y.toml <<'PLAN'
name = "y"
[learner]
hidden = [16]
epochs = 100
[episode]
rounds = 20
[transfer]
targets = ["iris", "wine"]
strategies = ["random", "margin", "entropy", "k_center"]
repetitions = 400
block = 2
PLAN
"$querist" bench y.toml --jobs 2 -q --json --out alone-y > alone-y.json
"$querist" train x.toml --jobs 2 -q --json --out alone-x > alone-x.json

submit() { sbatch --parsable --cpus-per-task=1 --mem=500 --array="$1" "$here/slurm.sh" "${@:2}"; }
states() { squeue -h -j "$1" -o '%i %t %N' 2>/dev/null || true; }
# Process ids of the tasks of an array that run a shard.
running() { pgrep -f -- "^$querist .*--shard $1( |\$)" || true; }
await() { # what, command...
    for _ in $(seq 1200); do "${@:2}" && return 0; sleep 0.25; done
    echo "waited in vain for $1" >&2
    return 1
}
gone() { [ -z "$(states "$1")" ]; }
runs() { [ -n "$(running "$1")" ]; }

echo "== a comparison of four shards; one process is killed"
job=$(submit 1-4 bench y.toml)
await "the second shard" runs 2/4
sleep 1
kill -9 $(running 2/4)
await "the end of the array" gone "$job"
"$querist" report runs/y-bench-*of4 --out runs/y-bench --json > y.json
python3 - <<'CHECK'
import json
alone, spread = json.load(open("alone-y.json")), json.load(open("y.json"))[0]
assert alone["rows_digest"] == spread["rows_digest"], (alone["rows_digest"], spread["rows_digest"])
print("rows as from one process:", spread["rows_digest"][:16])
CHECK
grep -h "back into the queue" slurm-*.out || echo "the killed shard had ended already"

echo "== a training of three shards; the first and the second process are killed, then a node is lost"
job=$(submit 1-3 train x.toml --out run-x)
await "an order to others" grep -qs '"shards":\[0,' run-x.exchange/order
kill -9 $(running 2/3)
sleep 2
kill -9 $(running 1/3) || true
await "the first shard again" runs 1/3
lost=$(states "$job" | awk '$2 == "R" { print $3; exit }')
echo "node ${lost:-none} is lost"
if [ -n "$lost" ]; then
    # The daemon, and of each task the step daemon, the script and the program.
    for task in $(states "$job" | awk -v n="$lost" '$2 == "R" && $3 == n { sub(/.*_/, "", $1); print $1 }'); do
        for pid in $(running "$task/3"); do
            script=$(ps -o ppid= -p "$pid" | tr -d ' ')
            kill -9 "$(ps -o ppid= -p "$script" | tr -d ' ')" "$script" "$pid" || true
        done
    done
    kill -9 "${node[$lost]}"
    sleep 15
    start_node "$lost"
fi
await "the end of the array" gone "$job"
for file in policy/policy.safetensors policy/card.toml summary.json; do
    cmp "alone-x/$file" "run-x/$file" && echo "$file: the same bytes as from one process"
done
grep -h "back into the queue" slurm-*.out
"$querist" train x.toml -q --out run-x > /dev/null && echo "a final call finds all there"

if ! "$querist" train --help | grep -q -- --mpi; then
    echo "the program has no --mpi: no MPI job was tried"
    exit 0
fi
# On one node: Slurm's plugin for PMIx keeps its files in one folder of the machine, so that two nodes of one machine are in each other's way.
echo "== the same training as an MPI job of two ranks on one node, which is lost"
export SLURM_MPI_TYPE=pmix
ranks() { pgrep -f -- "^$querist train x.toml .*--mpi" || true; }
both() { [ "$(ranks | wc -l)" = 2 ]; }
begun() { [ -n "$(ls run-mpi/checkpoints 2>/dev/null)" ]; }
job=$(sbatch --parsable --nodes=1 --ntasks=2 --cpus-per-task=1 --mem=500 "$here/mpi.sh" x.toml --out run-mpi)
await "both ranks" both
await "a checkpoint" begun
lost=$(states "$job" | awk '$2 == "R" { print $3; exit }')
echo "node ${lost:?the job has ended already} is lost"
# The ranks and their step daemon, the job's script and its daemon, and the node's daemon.
script=$(pgrep -f -- "job0*$job/slurm_script")
kill -9 $(ranks | xargs -n1 ps -o ppid= -p | sort -u) $(ranks) $script "$(ps -o ppid= -p ${script%%$'\n'*} | tr -d ' ')" "${node[$lost]}" || true
pkill -9 -f -- "^srun .*$querist train x.toml" || true
sleep 15
# What the lost steps left behind goes when a machine starts again.
rm -rf "$work/spool/$lost"/{stepd,pmix}.* "/tmp/spmix_appdir_$(id -u)_$job".*
start_node "$lost"
await "the end of the job" gone "$job"
for file in policy/policy.safetensors policy/card.toml summary.json; do
    cmp "alone-x/$file" "run-mpi/$file" && echo "$file: the same bytes as from one process"
done
