#!/bin/bash
# Ways of learning a policy under one budget of simulation, and what needs no learning beside them:
#
#     experiments/policy/learners.sh DATA_FOLDER [RUN_FOLDER]
#
# Every learner has the 1,001 generated tasks of ablation.toml and about 8,000 episodes; a label that is looked
# ahead at counts like a query, since both are a training. The 22 real sets are played on afterwards, with 20
# repetitions. QUERIST, JOBS and what a run is: common.sh.
set -euo pipefail
data=${1:?the folder of the data sets}
runs=${2:-runs/learners}
. "$(dirname "$0")/common.sh"

# run NAME SETTINGS...
run() {
    querist run ablation "$@"
    python3 "$here/table.py" "$runs/$1" | grep '^[a-z_(), ]*: [+-].*above' | sed "s/^/$1: /"
}

# ImitAL's loss (listwise) on this project's features; beside it LAL-RL's deep Q-learning and Pang et al.'s
# policy, each with observation and network of its own, the bandit ALBL and the hand-made switch.
run listwise "train.dqn={iterations=750,validate_every=75}" \
    "train.dataset_embedding={iterations=480,validate_every=40}" \
    'transfer.strategies=["random","margin","policy","dqn","dataset_embedding","albl(random, margin, typiclust)","switch(typiclust, margin)"]'
# ALIL: the expert's first choice alone, and states that the imitated policy comes through (DAgger).
run alil train.imitation.temperature=0.05 train.imitation.episodes=2 train.dagger.rounds=1
run evolution train.imitation.epochs=0 "train.evolution={iterations=8,pairs=64,tasks_per_pair=8,validate_every=2}"
run policy-gradient train.imitation.epochs=0 "train.policy_gradient={iterations=60,episodes=64,validate_every=10}"
