//! Which keys of experiment files decide something of commands that read some of them.

use crate::cli::error::CliError;
use crate::error::shorten;

/// Refuses a `--set` of a key that decides nothing of `command`: all do but those that begin with one of `deciding`, and of
/// these the ones of `idle`.
///
/// # Errors
/// [`CliError::NoEffect`].
pub(super) fn check(
    sets: &[String],
    command: &'static str,
    deciding: &[&str],
    idle: &[&str],
) -> Result<(), CliError> {
    let key = |set: &String| set.split('=').next().unwrap_or_default().trim().to_string();
    let strange =
        |key: &String| !deciding.iter().any(|known| key.starts_with(known)) || idle.contains(&key.as_str());
    match sets.iter().map(key).find(strange) {
        Some(key) => {
            let mut known: Vec<String> = deciding.iter().map(|known| format!("`{known}`")).collect();
            if !idle.is_empty() {
                known.push(format!("but not {}", idle.join(", ")));
            }
            Err(CliError::NoEffect { key: shorten(&key).into_owned(), command, known: known.join(", ") })
        }
        None => Ok(()),
    }
}
