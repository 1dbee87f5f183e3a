//! A file that a command writes because it was asked to: never over anything that was not meant.

use super::error::CliError;
use crate::durable;
use crate::error::Result;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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
