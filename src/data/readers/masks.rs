//! Foreground masks: a member of an archive, or a folder of pictures beside a folder of images of the same names.

use super::ReadOptions;
use super::error::ReadError;
use super::examples::{Examples, Labels};
use super::folders::{decode_files, pictures_in};
use super::zip::Archive;
use crate::data::dataset::Shape;
use crate::data::masks::Masks;
use crate::data::matrix::{Matrix, MatrixView};
use crate::error::{Result, shorten};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One mask per image, of which some may not be known yet.
pub(super) struct MaskLabels {
    /// Where one is not known, all background.
    pub masks: Masks,
    pub known: Vec<bool>,
    /// What the images are called; empty where they have no names.
    pub names: Vec<String>,
}

/// What is wrong with a pixel that is neither background nor foreground.
const NEITHER: &str = "neither background, 0, nor foreground, which is 1 everywhere or 255 everywhere";
const TWO_VALUES: &str = "a mask has two values; of several classes, save one as a mask";
/// The folders of images and masks where none are named.
const FOLDERS: [&str; 2] = ["images", "masks"];

/// The masks of an array of shape `[n, height, width]`, or with a last axis of 1; where not all have to be known, one of
/// -1 throughout is not.
pub(super) fn read_member(archive: &Archive, member: &str, all: bool) -> Result<Labels> {
    archive.array(member, |file, layout, from| {
        let (height, width) = match layout.shape[..] {
            [_, height, width] | [_, height, width, 1] => (height, width),
            _ => {
                let problem = format!(
                    "masks have the shape [images, height, width], this array's is {:?}",
                    layout.shape
                );
                return Err(ReadError::Header { file: file.to_string(), problem }.into());
            }
        };
        let values = layout.read_matrix(file, &mut *from)?;
        from.expect_sum(file)?;
        let known: Vec<bool> =
            (0..values.rows()).map(|row| all || values.row(row).iter().any(|&value| value != -1.0)).collect();
        let refused = |image: usize, at: usize, value: String| ReadError::Pixel {
            file: file.to_string(),
            row: image,
            channel: 0,
            y: at / width,
            x: at % width,
            value,
            problem: NEITHER,
            hint: TWO_VALUES,
        };
        let masks = masks(values.view(), &known, (height, width), refused)?;
        Ok(Labels::Masks(MaskLabels { masks, known, names: Vec::new() }))
    })
}

/// Reads a folder with a folder of images and one of masks, which are called alike but for their endings. Images are rows in the order of their names,
/// and their names are what rows are called. Where not `all` have to be known, images may be without a mask, and all of them where no folder of masks is named.
pub(super) fn read_folder(path: &Path, options: &ReadOptions, all: bool) -> Result<Examples> {
    let file = path.display().to_string();
    let [images, masked] = [
        (options.inputs.as_deref(), "--inputs", FOLDERS[0]),
        (options.columns.label.as_deref(), "--label", FOLDERS[1]),
    ]
    .map(|(named, flag, usual)| {
        let folder = path.join(named.unwrap_or(usual));
        let by_stem = by_stem(pictures_in(&folder))?;
        match by_stem.is_empty() && (all || named.is_some() || flag == "--inputs") {
            false => Ok((folder, by_stem)),
            true => Err(ReadError::Option {
                file: folder.display().to_string(),
                problem: "no folder that holds pictures".to_string(),
                hint: format!("a folder of segmentation has images in `images` and masks in `masks`; `{flag}` names another one"),
            }),
        }
    });
    let ((image_folder, images), (mask_folder, masked)) = (images?, masked?);
    for (own, other, folder, what, needed) in
        [(&images, &masked, &mask_folder, "mask", all), (&masked, &images, &image_folder, "image", true)]
    {
        if needed && let Some((name, path)) = own.iter().find(|(name, _)| !other.contains_key(*name)) {
            return Err(ReadError::Option {
                file: path.display().to_string(),
                problem: format!(
                    "no {what} called {:?} in {}, which holds {} pictures beside {}",
                    shorten(name),
                    folder.display(),
                    other.len(),
                    own.len()
                ),
                hint: "every image has a mask of the same name, whatever their endings".to_string(),
            }
            .into());
        }
    }
    let mut decisions = Vec::new();
    let files = |of: &BTreeMap<String, PathBuf>| of.values().cloned().collect::<Vec<_>>();
    let (shape, inputs) = decode_files(&file, &files(&images), &mut decisions)?;
    let mask_files = files(&masked);
    let (mask_shape, values) = match mask_files.is_empty() {
        true => (shape, Matrix::zeros(0, shape.width())),
        false => decode_files(&file, &mask_files, &mut Vec::new())?,
    };
    let given = of_pictures(&mask_files, mask_shape, &values)?;
    let known: Vec<bool> = images.keys().map(|name| masked.contains_key(name)).collect();
    let mut next = 0..given.rows();
    let own = known.iter().map(|known| known.then(|| next.next().expect("a mask per image that has one")));
    let masks = given.gather(own);
    let names = images.into_keys().collect();
    let target = mask_folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (labels, warnings) = (Some(Labels::Masks(MaskLabels { masks, known, names })), Vec::new());
    Ok(Examples { file, shape, inputs, labels, split: None, target, decisions, warnings })
}

/// The pictures by their names without endings.
pub(super) fn by_stem(files: Vec<PathBuf>) -> Result<BTreeMap<String, PathBuf>, ReadError> {
    let mut by_stem: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in files {
        if let Some(other) = by_stem.insert(stem(&path), path.clone()) {
            return Err(ReadError::Option {
                file: path.display().to_string(),
                problem: format!("called as {} is, but for the ending", other.display()),
                hint: "images and masks are told apart by their names without endings".to_string(),
            });
        }
    }
    Ok(by_stem)
}

/// The masks of a folder of pictures, of whatever sizes: the file of each, its name without its ending, and the mask alone.
///
/// # Errors
/// [`ReadError`] for a folder without pictures, two of one name, and a pixel that is neither background nor foreground.
pub fn read_masks(folder: &Path) -> Result<Vec<(String, String, Masks)>> {
    let files = by_stem(pictures_in(folder))?;
    if files.is_empty() {
        return Err(ReadError::Option {
            file: folder.display().to_string(),
            problem: "no pictures in this folder".to_string(),
            hint: "masks are black and white pictures, called as the images are but for the endings"
                .to_string(),
        }
        .into());
    }
    let mask = |(name, path): (String, PathBuf)| {
        let file = path.display().to_string();
        let (shape, values) = decode_files(&file, std::slice::from_ref(&path), &mut Vec::new())?;
        Ok((file, name, of_pictures(&[path], shape, &values)?))
    };
    files.into_iter().map(mask).collect()
}

/// The masks of pictures that were decoded.
fn of_pictures(files: &[PathBuf], shape: Shape, values: &Matrix) -> Result<Masks> {
    let Shape::Image { channels, height, width } = shape else { unreachable!("pictures are images") };
    let places = height * width;
    let refused = |image: usize, at: usize, value: String| ReadError::Element {
        file: files[image].display().to_string(),
        row: at / width,
        column: at % width,
        value,
        problem: NEITHER,
        hint: TWO_VALUES,
    };
    let mut grey = Vec::with_capacity(values.rows() * places);
    for image in 0..values.rows() {
        let (own, others) = values.row(image).split_at(places);
        // Of a picture with colours, all three planes have to agree.
        if let Some(at) = (0..places * (channels - 1)).find(|&at| others[at] != own[at % places]) {
            return Err(refused(image, at % places, "a colour".to_string()).into());
        }
        grey.extend_from_slice(own);
    }
    let every = vec![true; values.rows()];
    masks(MatrixView::new(&grey, values.rows(), places), &every, (height, width), refused)
}

/// The masks of these values, of which one is background, 0, and one other is foreground, 1 or 255; of rows that are not `known`, all background.
fn masks(
    values: MatrixView<'_>,
    known: &[bool],
    (height, width): (usize, usize),
    refused: impl Fn(usize, usize, String) -> ReadError,
) -> Result<Masks> {
    let mut masks = Masks::new(height, width);
    let mut foreground = None;
    for (image, &known) in known.iter().enumerate() {
        if !known {
            masks.push(&vec![false; height * width]);
            continue;
        }
        let row = values.row(image);
        for (at, &value) in row.iter().enumerate() {
            let allowed =
                value == 0.0 || [1.0, 255.0].contains(&value) && *foreground.get_or_insert(value) == value;
            if !allowed {
                return Err(refused(image, at, value.to_string()).into());
            }
        }
        masks.push(&row.iter().map(|&value| value != 0.0).collect::<Vec<_>>());
    }
    Ok(masks)
}

/// A file's name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
