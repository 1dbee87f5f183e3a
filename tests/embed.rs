//! `querist embed`, as a user meets it: arrays and their provenance, refusals, going on after an interruption. What needs a
//! model runs in a build with the feature `embed` where `ORT_DYLIB_PATH` names onnxruntime, with `tch` where
//! `QUERIST_TORCHSCRIPT` names the library of `crates/torchscript`.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use predicates::str::contains;
use std::fs;
use std::path::Path;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env("NO_COLOR", "1");
    command
}

/// A `.npy` file of four-byte floats.
fn npy(path: &Path, shape: &str, values: impl IntoIterator<Item = f32>) {
    let mut bytes = format!(
        "\u{0}NUMPY\u{1}\u{0}\u{0}\u{0}{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}"
    )
    .into_bytes();
    bytes[0] = 0x93;
    let length = bytes.len().next_multiple_of(64);
    bytes.resize(length, b' ');
    bytes[8..10].copy_from_slice(&(length as u16 - 10).to_le_bytes());
    bytes.extend(values.into_iter().flat_map(f32::to_le_bytes));
    fs::write(path, bytes).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Forty sequences of three vectors of two numbers, and a table with their labels.
fn sequences() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    npy(&dir.path().join("x.npy"), "40, 3, 2", (0..240).map(|value| value as f32));
    let rows: String = (0..40).map(|row| format!("{}\n", ["a", "b"][row % 2])).collect();
    fs::write(dir.path().join("t.csv"), format!("label\n{rows}")).unwrap();
    dir
}

#[test]
fn sequences_become_features_that_are_checked() {
    let dir = sequences();
    let args =
        ["embed", "--aggregate", "top-tenth", "--input", "x.npy", "--out", "e.npy", "--dtype", "float16"];
    querist(dir.path()).args(args).assert().success().stdout(contains("rows        40\ncolumns     2\n"));
    assert_eq!(names(dir.path()), ["e.npy", "e.npy.json", "t.csv", "x.npy"]);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("e.npy.json")).unwrap()).unwrap();
    assert_eq!((&json["rows"], &json["recipe"]["aggregate"]), (&40.into(), &"top-tenth".into()));
    assert_eq!(json["input"]["name"], "x.npy");
    // The features of the first row are those of its last vector.
    let bytes = fs::read(dir.path().join("e.npy")).unwrap();
    assert_eq!(bytes[128..132], [0x00, 0x44, 0x00, 0x45], "4 and 5 in half precision");

    let describe = ["data", "describe", "t.csv", "--features", "e.npy"];
    querist(dir.path()).args(describe).assert().success().stdout(contains("2 columns of e.npy"));
    querist(dir.path()).args(args).assert().code(2).stderr(contains("e.npy: exists"));
    // One bit of one number, which no reader of arrays can see.
    let mut changed = bytes.clone();
    changed[130] ^= 1;
    fs::write(dir.path().join("e.npy"), &changed).unwrap();
    querist(dir.path()).args(describe).assert().code(2).stdout("").stderr(
        predicate::str::starts_with("error: e.npy: sha256 is ")
            .and(contains(", but e.npy.json says "))
            .and(contains("\nhint: the array was changed or replaced since `querist embed` wrote it")),
    );
    npy(&dir.path().join("e.npy"), "2, 2", [1.0; 4]);
    querist(dir.path())
        .args(describe)
        .assert()
        .code(2)
        .stderr(contains("rows are 2, but e.npy.json says 40"));
    querist(dir.path()).args(args).arg("--force").assert().success();
    assert_eq!(fs::read(dir.path().join("e.npy")).unwrap(), bytes);
    querist(dir.path()).args(describe).assert().success();
}

/// Refused with exit code 2 and an untouched folder.
#[test]
fn what_cannot_be_heeded_is_refused() {
    let dir = sequences();
    npy(&dir.path().join("flat.npy"), "2, 2", [1.0; 4]);
    npy(&dir.path().join("nan.npy"), "1, 1, 2", [1.0, f32::NAN]);
    let aggregate = ["embed", "--aggregate", "mean", "--out", "e.npy"];
    let before = names(dir.path());
    for (args, error) in [
        (&["--input", "flat.npy"][..], "shape [2, 2], expected sequences of vectors, [n, length, width]"),
        (&["--input", "nan.npy"], "not a finite number"),
        (&["--input", "none.npy"], "cannot be opened"),
        (&["--input", "t.csv"], "a table needs the column that holds its texts"),
        (&["--input", "t.csv", "--text", "labl"], "labl"),
        (&["--input", "t.csv", "--text", "label"], "--aggregate: makes one vector of a sequence of vectors"),
        (&["--images", "."], "a folder that holds no data set"),
        (&["--input", "x.npy", "--normalise"], "cannot be used with"),
        (&["--input", "x.npy", "--batch", "3"], "cannot be used with"),
        (&["--input", "x.npy", "--size", "3"], "cannot be used with"),
        (&["--input", "x.npy", "--max-tokens", "3"], "--text"),
        (&["--input", "x.npy", "--table", "p.csv"], "cannot be used with"),
        (&["--input", "x.npy", "--model", "m.onnx"], "cannot be used with"),
    ] {
        querist(dir.path()).args(aggregate).args(args).assert().code(2).stdout("").stderr(contains(error));
        assert_eq!(names(dir.path()), before, "{args:?}");
    }
    let own = ["embed", "--aggregate", "mean", "--input", "x.npy", "--out", "x.npy", "--force"];
    querist(dir.path()).args(own).assert().code(2).stderr(contains("the same file as the input x.npy"));
}

#[cfg(not(feature = "embed"))]
#[test]
fn a_program_without_models_says_how_to_build_one_with_them() {
    let dir = sequences();
    for (model, feature) in [("m.onnx", "embed"), ("m.PT", "tch")] {
        let args = ["embed", "--model", model, "--input", "x.npy", "--out", "e.npy"];
        querist(dir.path()).args(args).assert().code(2).stdout("").stderr(contains(format!(
            "error: {model}: this program was built without models: build it with `cargo build --release --features \
             {feature}`"
        )));
    }
    assert_eq!(names(dir.path()), ["t.csv", "x.npy"]);
}

#[cfg(feature = "embed")]
mod models {
    use super::*;
    use std::path::PathBuf;

    /// Whether models can be run; said aloud where they cannot.
    fn library() -> bool {
        let found = std::env::var_os("ORT_DYLIB_PATH").is_some();
        if !found {
            eprintln!(
                "SKIPPED: ORT_DYLIB_PATH is not set, so no model is run (crates/embed/tests/with_onnxruntime.sh)"
            );
        }
        found
    }

    fn model(name: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/embed/tests/models").join(name);
        file.display().to_string()
    }

    fn picture(path: &Path, colour: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_pixel(12, 9, image::Rgb(colour)).save(path).unwrap();
    }

    #[test]
    fn texts_of_a_table_become_features_of_it() {
        if !library() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..600)
            .map(|row| format!("{},{}\n", ["good film", "bad bad book", "bad", "film"][row % 4], row % 2))
            .collect();
        fs::write(dir.path().join("t.csv"), format!("text,label\n{rows}")).unwrap();
        let tokens = model("tokens.onnx");
        let args = ["embed", "--model", &tokens, "--text", "text", "--input", "t.csv", "--out", "e.npy"];
        let json = querist(dir.path()).args(args).arg("--json").assert().success();
        let said: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
        assert_eq!(
            (&said["rows"], &said["width"], &said["recipe"]["max_tokens"]),
            (&600.into(), &3.into(), &4.into())
        );
        assert_eq!(said["recipe"]["model"][0]["name"], "tokens.onnx");
        assert_eq!(said["recipe"]["tokenizer"]["name"], "tokenizer.json");
        let array = querist::data::readers::read_array(&dir.path().join("e.npy")).unwrap();
        let third = 11.0f32 / 3.0;
        let expected = [3.0, third, 3.0, 4.0];
        assert!((0..600).all(|row| (array.values[3 * row] - expected[row % 4]).abs() < 1e-6));
        let transfer = ["data", "describe", "t.csv", "--features", "e.npy"];
        querist(dir.path()).args(transfer).assert().success();
    }

    /// A picture that is broken in the middle: its name is said, what is done before is kept, and the array that comes of the
    /// second call has the bytes of one that was never interrupted.
    #[test]
    fn a_broken_picture_is_named_and_the_rest_goes_on() {
        if !library() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { dir.path().join("pictures").join(name) };
        for at in 0..40u8 {
            picture(
                &path(&format!("{}/{at:02}.png", ["cat", "dog"][usize::from(at) / 20])),
                [at, 2 * at, 3 * at],
            );
        }
        let pictures = model("picture.onnx");
        let args = |out: &'static str| {
            [
                "embed", "--model", &pictures, "--images", "pictures", "--pixels", "unit", "--batch", "1",
                "--out", out,
            ]
            .map(String::from)
        };
        let whole = [&args("w.npy")[..], &["--table".into(), "t.csv".into()]].concat();
        querist(dir.path()).args(whole).assert().success();
        let sound = fs::read(path("dog/35.png")).unwrap();
        fs::write(path("dog/35.png"), &sound[..sound.len() / 2]).unwrap();
        let refused = querist(dir.path()).args(args("e.npy")).assert().code(2);
        refused.stderr(
            contains("dog/35.png: no picture that can be decoded")
                .and(contains("hint: repair or remove the file")),
        );
        assert!(dir.path().join("e.npy.work").is_dir() && !dir.path().join("e.npy").exists());
        // Other options are another array.
        let other = [&args("e.npy")[..], &["--normalise".into()]].concat();
        querist(dir.path()).args(other).assert().code(2).stderr(contains("made with other settings"));
        fs::write(path("dog/35.png"), &sound).unwrap();
        querist(dir.path()).args(args("e.npy")).assert().success();
        assert_eq!(fs::read(dir.path().join("e.npy")).unwrap(), fs::read(dir.path().join("w.npy")).unwrap());
        assert!(!dir.path().join("e.npy.work").exists());
        let table = fs::read_to_string(dir.path().join("t.csv")).unwrap();
        assert!(table.starts_with("file,label\ncat/00.png,cat\n"), "{table}");
        let describe = ["data", "describe", "t.csv", "--id", "file", "--features", "e.npy"];
        querist(dir.path()).args(describe).assert().success();
    }

    /// The table of names is no exception: with it in the way, the same command would be refused.
    #[test]
    fn a_broken_picture_amid_ten_thousand_leaves_what_the_same_command_goes_on_from() {
        if !library() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for at in 0..10_000usize {
            let colour = [at % 251, at % 241, at % 239].map(|value| value as u8);
            let file = path("pictures").join(["cat", "dog"][at / 5_000]).join(format!("{at:05}.png"));
            if at % 5_000 == 0 {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
            }
            image::RgbImage::from_pixel(3, 2, image::Rgb(colour)).save(file).unwrap();
        }
        let broken = path("pictures/dog/05017.png");
        let sound = fs::read(&broken).unwrap();
        let pictures = model("picture.onnx");
        let embed = |out: &str| {
            let mut command = querist(dir.path());
            command.args(["embed", "--model", &pictures, "--images", "pictures", "--pixels", "unit"]);
            command.args(["--out", &format!("{out}.npy"), "--table", &format!("{out}.csv")]);
            command
        };
        embed("whole").assert().success();
        fs::write(&broken, &sound[..sound.len() / 2]).unwrap();
        for out in ["repaired", "removed"] {
            embed(out).assert().code(2).stdout("").stderr(
                contains("error: pictures/dog/05017.png: no picture that can be decoded: ")
                    .and(contains("\nhint: repair or remove the file, then run the same command again")),
            );
            // Nine blocks of sixteen batches of 32 rows of three numbers.
            let rows = path(&format!("{out}.npy.work")).join("rows");
            assert_eq!(fs::metadata(rows).unwrap().len(), 9 * 16 * 32 * 3 * 4);
        }
        let left = ["pictures", "removed.npy.work", "repaired.npy.work"];
        assert_eq!(names(dir.path()), [&left[..], &["whole.csv", "whole.npy", "whole.npy.json"]].concat());

        let array = |out: &str| fs::read(path(&format!("{out}.npy"))).unwrap();
        let table = |out: &str| fs::read_to_string(path(&format!("{out}.csv"))).unwrap();
        fs::remove_file(&broken).unwrap();
        embed("removed").assert().success();
        let (whole, removed) = (array("whole"), array("removed"));
        let at = whole.len() - (10_000 - 5_017) * 12;
        let rows = |array: &[u8], n: usize| array[array.len() - n * 12..].to_vec();
        assert_eq!(rows(&removed, 9_999), [&rows(&whole, 10_000)[..5_017 * 12], &whole[at + 12..]].concat());
        assert_eq!(table("removed"), table("whole").replace("dog/05017.png,dog\n", ""));
        fs::write(&broken, &sound).unwrap();
        embed("repaired").assert().success();
        assert_eq!((array("repaired"), table("repaired")), (whole, table("whole")));
        assert!(!path("repaired.npy.work").exists() && !path("removed.npy.work").exists());
    }

    /// Refused with exit code 2, the place, and an untouched folder.
    #[test]
    fn models_that_do_not_fit_are_refused_before_anything_is_written() {
        if !library() {
            return;
        }
        let dir = sequences();
        npy(&dir.path().join("three.npy"), "2, 3", [1.0; 6]);
        fs::write(dir.path().join("broken.onnx"), &fs::read(model("linear.onnx")).unwrap()[..60]).unwrap();
        fs::write(dir.path().join("weights.safetensors"), "weights").unwrap();
        for colour in 0..3u8 {
            picture(&dir.path().join(format!("pictures/{}/{colour}.png", colour % 2)), [colour; 3]);
        }
        let before = names(dir.path());
        let (linear, tokens, speech, classifier) =
            (model("linear.onnx"), model("tokens.onnx"), model("speech.onnx"), model("classifier.onnx"));
        let texts = ["--input", "t.csv", "--text", "label"];
        for (model, rows, error) in [
            ("broken.onnx", &["--input", "three.npy"][..], "broken.onnx: no model that can be run"),
            ("none.onnx", &["--input", "three.npy"], "none.onnx: cannot be opened"),
            ("t.csv", &["--input", "three.npy"], "t.csv: of no kind of model that is known here"),
            (
                "weights.safetensors",
                &["--input", "three.npy"],
                "weights without the network that they belong to",
            ),
            (&speech, &["--input", "three.npy"], "the model has the input `input_values` of type"),
            (&linear, &texts, "expected whole numbers of four or eight bytes, since tokens are fed"),
            (&tokens, &["--input", "three.npy"], "the model has the input `input_ids` of type"),
            (&tokens, &["--images", "pictures"], "the model has the input `input_ids` of type"),
            (
                &linear,
                &["--input", "three.npy"],
                "three.npy: row 0 and 1 rows more: the model fails on 2 examples",
            ),
            (
                &classifier,
                &["--images", "pictures", "--output", "none"],
                "no output `none`; it has logits, features",
            ),
            (
                &classifier,
                &["--images", "pictures", "--size", "7"],
                "the model fails on 3 examples of shape [3, 3, 7, 7]",
            ),
        ] {
            let args = [&["embed", "--model", model, "--out", "e.npy"][..], rows].concat();
            querist(dir.path()).args(args).assert().code(2).stdout("").stderr(contains(error));
            assert_eq!(names(dir.path()), before, "{model} {rows:?}");
        }
    }

    #[test]
    fn a_library_that_is_missing_is_said_before_anything_is_written() {
        let dir = sequences();
        let linear = model("linear.onnx");
        let args = ["embed", "--model", &linear, "--input", "x.npy", "--out", "e.npy"];
        querist(dir.path()).env("ORT_DYLIB_PATH", "/none.so").args(args).assert().code(2).stderr(
            contains("error: no library of onnxruntime: ORT_DYLIB_PATH names /none.so, which is no file")
                .and(contains("hint: `pip install onnxruntime`")),
        );
        assert_eq!(names(dir.path()), ["t.csv", "x.npy"]);
    }

    /// Of a program with ONNX alone, and of one with TorchScript, too.
    #[test]
    fn torchscript_that_is_missing_is_said_before_anything_is_written() {
        let dir = sequences();
        fs::write(dir.path().join("m.pt"), "module").unwrap();
        let args = ["embed", "--model", "m.pt", "--input", "x.npy", "--out", "e.npy"];
        let (said, hint) = if cfg!(feature = "tch") {
            (
                "error: no library for TorchScript: QUERIST_TORCHSCRIPT names /none.so, which is no file",
                "hint: build it with `cargo build --release --manifest-path crates/torchscript/Cargo.toml",
            )
        } else {
            (
                "error: m.pt: this program was built without TorchScript",
                "hint: build it with `--features tch`",
            )
        };
        let mut command = querist(dir.path());
        let refused = command.env("QUERIST_TORCHSCRIPT", "/none.so").args(args).assert().code(2).stdout("");
        refused.stderr(contains(said).and(contains(hint)));
        assert_eq!(names(dir.path()), ["m.pt", "t.csv", "x.npy"]);
    }

    /// The same picture model by both libraries, and what does not fit, with its place.
    #[cfg(feature = "tch")]
    #[test]
    fn modules_make_the_same_features() {
        if std::env::var_os("QUERIST_TORCHSCRIPT").is_none() {
            eprintln!(
                "SKIPPED: QUERIST_TORCHSCRIPT is not set, so no module is run (crates/torchscript/test.sh)"
            );
            return;
        }
        let dir = sequences();
        for colour in 0..40u8 {
            picture(
                &dir.path().join(format!("pictures/{colour:02}.png")),
                [colour, 2 * colour, 255 - colour],
            );
        }
        let before = names(dir.path());
        let three = model("three.pt");
        for (model, rows, error) in [
            ("x.npy", &["--input", "x.npy"][..], "x.npy: of no kind of model that is known here"),
            (&three, &["--images", "pictures"], "three.pt: the module takes 3 arrays, but is fed 1"),
            (
                &model("linear.pt"),
                &["--input", "x.npy"],
                "x.npy: row 0 and 31 rows more: the model fails on 32 examples of shape [32, 3, 2]: ",
            ),
            (
                &model("sum.pt"),
                &["--input", "x.npy"],
                "the model gives an array of shape [] for 32 examples, expected as many vectors as examples",
            ),
        ] {
            let args = [&["embed", "--model", model, "--out", "e.npy"][..], rows].concat();
            querist(dir.path()).args(args).assert().code(2).stdout("").stderr(contains(error));
            assert_eq!(names(dir.path()), before, "{model}");
        }
        let module = model("picture.pt");
        let pictures = ["--images", "pictures", "--pixels", "unit", "--size", "8"];
        let embed = |model: &str, out: &str| {
            let args = [&["embed", "--model", model, "--out", out][..], &pictures].concat();
            querist(dir.path()).args(args).assert().success();
            querist::data::readers::read_array(&dir.path().join(out)).unwrap()
        };
        let torchscript = embed(&module, "t.npy");
        assert_eq!(torchscript.shape, [40, 3]);
        let said = fs::read_to_string(dir.path().join("t.npy.json")).unwrap();
        assert!(said.contains("\"library\": \"libtorch 2."), "{said}");
        let describe = ["data", "describe", "t.csv", "--features", "t.npy"];
        querist(dir.path()).args(describe).assert().success();
        if library() {
            let onnx = embed(&model("picture.onnx"), "o.npy");
            assert!(onnx.values.iter().zip(&torchscript.values).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
