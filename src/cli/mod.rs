//! Arguments, progress and tables.
