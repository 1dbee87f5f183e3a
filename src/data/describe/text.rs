//! A description for people.

use super::{Description, Foreground, LabelsPerRow, Numbers, Scale};
use crate::data::table::Decision;
use std::fmt;

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Classes that are listed; more are only counted.
        const LISTED: usize = 30;
        /// The same of decisions.
        const DECISIONS: usize = 60;
        writeln!(f, "{}", self.name)?;
        writeln!(f, "  rows        {}", self.rows)?;
        if self.unlabelled > 0 {
            writeln!(f, "  unlabelled  {} rows of the file", self.unlabelled)?;
        }
        writeln!(f, "  shape       {} ({} numbers per row)", self.shape, self.width)?;
        match self.split {
            Some(split) => writeln!(f, "  split       {} train, {} test", split.train, split.test)?,
            None => writeln!(f, "  split       none")?,
        }
        match self.classes.len() {
            0 if self.numbers.is_some() || self.foreground.is_some() => {}
            0 => writeln!(f, "  classes     none: no labels")?,
            count => match self.labels_per_row {
                Some(LabelsPerRow { mean, none }) => {
                    writeln!(f, "  labels      {count}, {mean:.2} per row, {none} rows without any")?;
                }
                None => writeln!(f, "  classes     {count}")?,
            },
        }
        if let Some(Numbers { least, most, mean, spread }) = self.numbers {
            writeln!(f, "  targets     numbers from {least} to {most}, mean {mean:.4}, spread {spread:.4}")?;
        }
        if let Some(Foreground { share, none }) = self.foreground {
            writeln!(f, "  targets     masks, {:.1} % foreground, {none} images without any", 100.0 * share)?;
        }
        for class in self.classes.iter().take(LISTED) {
            writeln!(f, "    {:<20} {:>8}", class.name, class.rows)?;
        }
        if self.classes.len() > LISTED {
            writeln!(f, "    and {} more", self.classes.len() - LISTED)?;
        }
        let Scale { least, most, smallest_spread, largest_spread } = self.scale;
        writeln!(f, "  values      {least} to {most}")?;
        writeln!(f, "  spread      {smallest_spread:.4} to {largest_spread:.4} per column")?;
        writeln!(f, "  missing     {} cells", self.missing)?;
        writeln!(f, "  constant    {} columns", self.constant_columns.len())?;
        writeln!(f, "  distinct    {} inputs", self.duplicates.distinct_inputs)?;
        if let Some(digest) = &self.digest {
            writeln!(f, "  digest      {digest}")?;
        }
        if !self.decisions.is_empty() {
            writeln!(f, "  decisions")?;
        }
        for decision in self.decisions.iter().take(DECISIONS) {
            let Decision { what, choice, reason, flag } = decision;
            writeln!(f, "    {what}: {choice}")?;
            let other = flag.as_ref().map_or(String::new(), |flag| format!(" (otherwise: {flag})"));
            writeln!(f, "      as {reason}{other}")?;
        }
        if self.decisions.len() > DECISIONS {
            writeln!(f, "    and {} more; --json has them all", self.decisions.len() - DECISIONS)?;
        }
        if self.warnings.is_empty() {
            return write!(f, "  warnings    none");
        }
        write!(f, "  warnings")?;
        for warning in &self.warnings {
            write!(f, "\n    {warning}")?;
        }
        Ok(())
    }
}
