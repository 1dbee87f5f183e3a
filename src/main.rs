//! The `querist` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    querist::cli::main()
}
