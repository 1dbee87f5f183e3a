//! A file that a command writes because it was asked to: never over anything that was not meant.

use super::error::CliError;
use crate::data::TargetKind;
use crate::durable::{self, DurableError};
use crate::error::Result;
use crate::experiment::predicted::{Predicted, PredictedFiles};
use crate::run::{Publication, RunError, check_publication, digest, publish};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A path with all links resolved; of what is not there yet, its name in its folder's.
fn resolved(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?.join(path.file_name()?))
    })
}

/// Refuses two outputs in one place.
///
/// # Errors
/// [`CliError::SameOutput`].
pub fn check_apart(out: Option<&Path>, predictions: Option<&Path>) -> Result<(), CliError> {
    match (out, predictions) {
        (Some(out), Some(other)) if resolved(out).is_some_and(|place| Some(place) == resolved(other)) => {
            Err(CliError::SameOutput { path: out.into() })
        }
        _ => Ok(()),
    }
}

/// Refuses a folder to write to in which an input lies.
///
/// # Errors
/// [`CliError::HoldsInput`].
pub fn check_holds_none(folder: &Path, inputs: &[&Path]) -> Result<(), CliError> {
    let place = resolved(folder);
    let inside =
        |input: &Path| resolved(input).zip(place.as_ref()).is_some_and(|(own, place)| own.starts_with(place));
    match inputs.iter().find(|input| inside(input)) {
        Some(input) => Err(CliError::HoldsInput { path: folder.into(), input: input.into() }),
        None => Ok(()),
    }
}

/// How pictures are written to a folder: all of those that were written there before are replaced, and nothing else.
fn pictures(run: &str, force: bool) -> Publication<'_> {
    Publication { run, list: PICTURES, whole: &[""], force, own_alone: true }
}

/// Where a command writes, if it was told to.
#[derive(Clone, Copy, Debug)]
pub struct OutFile<'a> {
    path: &'a Path,
    force: bool,
}

impl<'a> OutFile<'a> {
    /// A place to write to, checked before anything is computed. `inputs` are the files that the command
    /// reads, those that are none (names of data sets, say) included.
    ///
    /// # Errors
    /// [`CliError::OwnInput`] for an input of the command under whatever name, with `force`, too; a file that is
    /// there, without it; what is no regular file (a device, a pipe, a link, a folder); a missing folder.
    pub fn new(path: &'a Path, force: bool, inputs: &[&Path]) -> Result<Self> {
        let own = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        if let Some(place) = own(path)
            && let Some(input) = inputs.iter().find(|input| own(input) == Some(place))
        {
            return Err(CliError::OwnInput { path: path.into(), input: input.into() }.into());
        }
        durable::check_free(path, force)?;
        Ok(Self { path, force })
    }

    /// Writes the file, whole.
    ///
    /// # Errors
    /// As [`new`](Self::new), since time has passed; whatever writing fails with.
    pub fn write(self, bytes: &[u8]) -> Result<()> {
        durable::check_free(self.path, self.force)?;
        Ok(durable::replace(self.path, bytes)?)
    }
}

/// What the list of a folder of pictures is of, in the place of a run.
const PREDICTIONS: &[u8] = b"querist predictions";
/// That list: which pictures a command has written, so that the next one removes them and nothing else.
const PICTURES: &str = ".querist-predictions";

/// Where predictions are written: one file, or a folder with a picture per mask.
#[derive(Clone, Copy, Debug)]
pub enum PredictionsOut<'a> {
    File(OutFile<'a>),
    Folder { path: &'a Path, force: bool },
}

impl<'a> PredictionsOut<'a> {
    /// A place for predictions of targets of this kind, checked before anything is computed.
    ///
    /// # Errors
    /// As [`OutFile::new`]; where pictures are to be written, an input's folder or one within it, what is no folder, and one that holds
    /// anything, unless an earlier command has written pictures there and `force` is given.
    pub fn new(path: &'a Path, kind: TargetKind, force: bool, inputs: &[&Path]) -> Result<Self> {
        if kind != TargetKind::Mask {
            return OutFile::new(path, force, inputs).map(Self::File);
        }
        let place = resolved(path);
        let folder = |input: &&&Path| {
            let own = std::fs::canonicalize(input).ok().filter(|own| own.is_dir());
            own.zip(place.as_ref()).is_some_and(|(own, place)| place.starts_with(own))
        };
        if let Some(input) = inputs.iter().find(folder) {
            return Err(CliError::WithinInput { path: path.into(), input: input.into() }.into());
        }
        let holds = |mut entries: std::fs::ReadDir| entries.next().is_some();
        match std::fs::read_dir(path).map(holds) {
            Ok(true) if !force => Err(DurableError::Exists { path: path.into() }.into()),
            // Pictures that somebody else has put there may have the names of the new ones.
            Ok(true) if !path.join(PICTURES).is_file() => {
                Err(CliError::ForeignFolder { path: path.into() }.into())
            }
            Ok(_) => {
                let run = digest::of(PREDICTIONS);
                check_publication(path, pictures(&run, force))?;
                Ok(Self::Folder { path, force })
            }
            // A folder of this name may still be made; anything else that stands there may not.
            Err(_) => {
                durable::check_free(path, false).map(|()| Self::Folder { path, force }).map_err(Into::into)
            }
        }
    }

    /// Writes them, file by file, each whole. Pictures that an earlier command has written there are removed; all else stays.
    ///
    /// # Errors
    /// As [`new`](Self::new), since time has passed; [`CliError::ForeignPicture`] for a file that has the name of a picture and that
    /// no command has written; whatever writing fails with.
    pub fn write(self, predicted: &Predicted) -> Result<()> {
        match (self, predicted.files()) {
            (Self::File(out), PredictedFiles::Table(bytes)) => out.write(&bytes),
            (Self::Folder { .. }, PredictedFiles::Pictures(files)) => self.write_pictures(&files),
            _ => unreachable!("masks are pictures, and nothing else is"),
        }
    }

    /// Writes pictures, each with its name.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_pictures(self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let Self::Folder { path, force } = self else { unreachable!("pictures go into a folder") };
        publish(path, files, pictures(&digest::of(PREDICTIONS), force)).map_err(|error| {
            match error.downcast_ref::<RunError>() {
                Some(RunError::NotAnArtefact { path }) => {
                    CliError::ForeignPicture { path: path.clone() }.into()
                }
                _ => error,
            }
        })
    }
}
