//! The only module that writes files: atomic replace, fsync, lock.
