//! Journal, manifest, resume and executors.
