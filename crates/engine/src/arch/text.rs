//! The text of a network, as rows and figures have it, and the way back.

use super::block::{Block, Smooth};
use super::image::{Augment, Image};
use super::spec::NetSpec;
use std::fmt;

impl fmt::Display for NetSpec {
    /// `64-24-12-10`; residual blocks are marked `r`, those with another activation `t` (tanh) or `g` (gelu).
    /// `64-s8@1x8x8-c8-c16/2-a-10`: a stem of eight filters over images (`p` behind them: pooled; `+2f`: moved by
    /// up to two places and flipped in training), convolutions, `/2` those that halve, an average; `n` where maps
    /// are normalised; `64-e8@1x8x8-64`: an encoder and decoder over images. Dropout and weight decay are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inputs())?;
        for block in self.blocks() {
            match block {
                Block::Dense { width } => write!(f, "-{width}")?,
                Block::Smooth { width, activation: Smooth::Tanh } => write!(f, "-t{width}")?,
                Block::Smooth { width, activation: Smooth::Gelu } => write!(f, "-g{width}")?,
                Block::Residual { width } => write!(f, "-r{width}")?,
                Block::Stem { image, filters, pool, norm, augment } => {
                    let (norm, pool) = (if *norm { "n" } else { "" }, if *pool { "p" } else { "" });
                    write!(f, "-s{filters}{norm}@{image}{pool}{augment}")?;
                }
                Block::Convolution { filters, halve, norm } => {
                    let (norm, halve) = (if *norm { "n" } else { "" }, if *halve { "/2" } else { "" });
                    write!(f, "-c{filters}{norm}{halve}")?;
                }
                Block::Average => write!(f, "-a")?,
                Block::EncoderDecoder { image, filters } => write!(f, "-e{filters}@{image}")?,
            }
        }
        write!(f, "-{}", self.outputs())
    }
}

impl NetSpec {
    /// The network of a text that [`Display`](fmt::Display) wrote, without dropout and weight decay; none for any
    /// other.
    pub fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let [inputs, hidden @ .., outputs] = parts.as_slice() else { return None };
        let blocks = hidden.iter().map(|part| block(part)).collect::<Option<Vec<Block>>>()?;
        let spec = Self::new(inputs.parse().ok()?, blocks, outputs.parse().ok()?, 0.0).ok()?;
        (spec.to_string() == text).then_some(spec)
    }
}

fn block(text: &str) -> Option<Block> {
    if text == "a" {
        return Some(Block::Average);
    }
    let Some((kind, rest)) = text.split_at_checked(1).filter(|(kind, _)| kind.parse::<u8>().is_err()) else {
        return Some(Block::Dense { width: text.parse().ok()? });
    };
    let smooth = |activation| Some(Block::Smooth { width: rest.parse().ok()?, activation });
    // What a text says at its end, and the rest of it.
    let ends = |text, mark: &str| match str::strip_suffix(text, mark) {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    match kind {
        "r" => Some(Block::Residual { width: rest.parse().ok()? }),
        "t" => smooth(Smooth::Tanh),
        "g" => smooth(Smooth::Gelu),
        "c" => {
            let (rest, halve) = ends(rest, "/2");
            let (filters, norm) = ends(rest, "n");
            Some(Block::Convolution { filters: filters.parse().ok()?, halve, norm })
        }
        "s" => {
            let (filters, image) = rest.split_once('@')?;
            let (filters, norm) = ends(filters, "n");
            let (image, augment) = match image.split_once('+') {
                Some((image, augment)) => {
                    let (shift, flip) = ends(augment, "f");
                    (image, Augment { shift: shift.parse().ok()?, flip })
                }
                None => (image, Augment::default()),
            };
            let (image, pool) = ends(image, "p");
            let image = sides(image)?;
            Some(Block::Stem { image, filters: filters.parse().ok()?, pool, norm, augment })
        }
        "e" => {
            let (filters, image) = rest.split_once('@')?;
            Some(Block::EncoderDecoder { image: sides(image)?, filters: filters.parse().ok()? })
        }
        _ => None,
    }
}

/// `1x8x8`.
fn sides(text: &str) -> Option<Image> {
    let sides = text.split('x').map(|side| side.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let [channels, height, width] = sides[..] else { return None };
    Some(Image { channels, height, width })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back_and_nothing_else_does() {
        for text in [
            "64-10",
            "64-24-12-10",
            "4-r8-r8-r16-3",
            "4-t8-g16-3",
            "64-s4@1x8x8p-c4-c8/2-a-10",
            "64-s4n@1x8x8+2f-c4n-c8n/2-a-10",
            "64-s4n@1x8x8p+1-a-32-10",
            "64-e8@1x8x8-64",
        ] {
            assert_eq!(NetSpec::read(text).map(|spec| spec.to_string()).as_deref(), Some(text));
        }
        let wrong = [
            "",
            "64",
            "64-",
            "-10",
            "64-r-10",
            "64-é8-10",
            "64-x8-10",
            "64-+8-10",
            "64-a-10",
            "63-s4@1x8x8-a-10",
            "64-s4@8x8-a-10",
            "64-e7@1x8x8-64",
            "64-e8@1x8x8-10",
            "64-e8@1x8x8-a-64",
            "64-s4@1x8x8+0f-c4-10",
            "64-08-10",
        ];
        for text in wrong {
            assert_eq!(NetSpec::read(text), None, "{text}");
        }
    }
}
