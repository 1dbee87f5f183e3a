//! Experiment files: raw TOML, checked plans, and what they run.
