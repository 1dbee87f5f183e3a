//! Local search over architectures.
