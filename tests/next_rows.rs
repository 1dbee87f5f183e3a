//! `querist select --from` and `querist fit` on every kind of targets: files of which some rows have labels, folders of which some images have masks.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn querist(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_DATA").env("NO_COLOR", "1").args(args);
    command
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let output = querist(dir, args).arg("--json").assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

/// What a listing of a folder shows, without hidden files.
fn shown(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn refused(dir: &Path, args: &[&str], expected: &str) {
    querist(dir, args).assert().code(2).stdout("").stderr(predicate::str::contains(expected));
}

/// Row `i` of sixty: two inputs, and what follows from them.
fn inputs(i: usize) -> [f64; 2] {
    [((i * 37) % 60) as f64 / 30.0 - 1.0, ((i * 23) % 59) as f64 / 30.0 - 1.0]
}

/// A table of which every fourth row has a label.
fn table(label: &str, of: impl Fn([f64; 2]) -> String) -> String {
    let empty = ",".repeat(label.matches(',').count());
    let line = |i: usize| {
        let x = inputs(i);
        let own = if i.is_multiple_of(4) { of(x) } else { empty.clone() };
        format!("r{i},{},{},{own}\n", x[0], x[1])
    };
    format!("id,x,y,{label}\n{}", (0..60).map(line).collect::<String>())
}

#[test]
fn rows_without_a_label_are_asked_for_and_predicted_whatever_is_to_be_predicted() {
    let dir = tempfile::tempdir().unwrap();
    let truth = |on: bool| u8::from(on).to_string();
    let sets = |[x, y]: [f64; 2]| format!("{},{}", truth(x > 0.0), truth(y > 0.3));
    fs::write(dir.path().join("sets.csv"), table("red,round", sets)).unwrap();
    fs::write(dir.path().join("numbers.csv"), table("z", |[x, y]| (3.0 * x + y).to_string())).unwrap();
    fs::write(
        dir.path().join("classes.csv"),
        table("label", |[x, _]| if x > 0.0 { "b" } else { "a" }.into()),
    )
    .unwrap();
    for (file, more, strategy, head) in [
        (
            "sets.csv",
            &["--task", "multi_label", "--label", "red,round"][..],
            "badge",
            "row,id,predicted,p(red),p(round)",
        ),
        ("sets.csv", &["--task", "multi_label", "--label", "red,round"], "by_label(margin)", ""),
        ("numbers.csv", &["--task", "regression", "--label", "z"], "lcmd", "row,id,predicted"),
        ("classes.csv", &[], "margin", "row,id,predicted,p(a),p(b)"),
    ] {
        let base = ["select", "--from", file, "--id", "id", "--strategy", strategy, "--batch", "5"];
        let out = ["--predictions", "out.csv", "--force"];
        let found = json(dir.path(), &[&base[..], more, &out].concat());
        let picks: Vec<u64> =
            found["picks"].as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect();
        assert!(picks.len() == 5 && picks.iter().all(|row| row % 4 != 0), "{file}: {picks:?}");
        let ids: Vec<String> = picks.iter().map(|row| format!("r{row}")).collect();
        assert_eq!(
            (&found["ids"], &found["labelled"], &found["candidates"]),
            (&ids.into(), &15.into(), &45.into())
        );
        let text = fs::read_to_string(dir.path().join("out.csv")).unwrap();
        assert_eq!(text.lines().count(), 46, "{file}");
        assert!(text.starts_with(head), "{text}");
        // The same file, the same rows; the printed form is number and name.
        let lines: String = picks.iter().map(|row| format!("{row}\tr{row}\n")).collect();
        querist(dir.path(), &[&base[..], more].concat()).assert().success().stdout(lines);
    }
    // What is predicted of rows is mostly true.
    let text = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap();
    let args = ["select", "--from", "sets.csv", "--task", "multi_label", "--label", "red,round"];
    let more = ["--strategy", "random", "--predictions", "sets_out.csv", "--set", "learner.epochs=200"];
    querist(dir.path(), &[&args[..], &more].concat()).assert().success();
    let right = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [x, y] = inputs(fields[0].parse().unwrap());
        let held = |name: &str| fields[1].split(';').any(|own| own == name);
        usize::from(held("red") == (x > 0.0)) + usize::from(held("round") == (y > 0.3))
    };
    let all: usize = text("sets_out.csv").lines().skip(1).map(right).sum();
    assert!(all > 76, "{all} of 90");
}

/// Ten images of which the first six have masks: the others are asked for by name, and what is predicted of them is a picture each.
fn tissue(dir: &Path, masks: usize) {
    for folder in ["tissue/images", "tissue/masks"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    for at in 0..10u32 {
        let inside = move |x: u32, y: u32| (x + at) % 16 < 8 && y < 8;
        let picture =
            image::GrayImage::from_fn(16, 16, |x, y| image::Luma([if inside(x, y) { 60 } else { 180 }]));
        picture.save(dir.join(format!("tissue/images/i{at}.png"))).unwrap();
        if (at as usize) < masks {
            let mask =
                image::GrayImage::from_fn(16, 16, |x, y| image::Luma([if inside(x, y) { 255 } else { 0 }]));
            mask.save(dir.join(format!("tissue/masks/i{at}.png"))).unwrap();
        }
    }
}

#[test]
fn images_without_a_mask_are_asked_for_and_outlined() {
    let dir = tempfile::tempdir().unwrap();
    tissue(dir.path(), 6);
    let base = ["select", "--from", "./tissue", "--task", "segmentation", "--batch", "3"];
    let fit = ["--set", "learner.batch=2", "--set", "learner.epochs=40"];
    let args = [&base[..], &fit, &["--strategy", "suggestive(committee_variance(members=2,bootstrap=true))"]]
        .concat();
    let found = json(dir.path(), &[&args[..], &["--predictions", "outlines"]].concat());
    assert_eq!((&found["labelled"], &found["candidates"]), (&6.into(), &4.into()));
    let ids: Vec<&str> = found["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| ["i6", "i7", "i8", "i9"].contains(id)), "{ids:?}");
    assert_eq!(shown(&dir.path().join("outlines")), ["i6.png", "i7.png", "i8.png", "i9.png"]);
    let outline = image::open(dir.path().join("outlines/i9.png")).unwrap().into_luma8();
    let right = outline.enumerate_pixels().filter(|(x, y, value)| {
        (value.0[0] == 255) == ((x + 9) % 16 < 8 && *y < 8) && [0, 255].contains(&value.0[0])
    });
    assert!(right.count() > 230, "of 256 pixels");
    // What is read is not written to, neither the folder nor one within it, by force or not.
    for within in ["./tissue", "tissue/images", "tissue/masks", "tissue/new"] {
        let args = [&args[..], &["--force", "--predictions", within]].concat();
        refused(dir.path(), &args, "which is read");
    }
    // A folder that holds something is not written to; an answer is a file in `masks`, and the rest follows from it.
    refused(dir.path(), &[&args[..], &["--predictions", "outlines"]].concat(), "exists");
    fs::copy(dir.path().join("outlines/i9.png"), dir.path().join("tissue/masks/i9.png")).unwrap();
    assert_eq!(json(dir.path(), &args)["candidates"], 3);
    // Before there is any mask, inputs alone decide; then what needs a network is refused.
    fs::remove_dir_all(dir.path().join("tissue/masks")).unwrap();
    let first = json(dir.path(), &[&base[..], &["--strategy", "k_center"]].concat());
    assert_eq!((&first["labelled"], first["picks"].as_array().unwrap().len()), (&0.into(), 3));
    refused(dir.path(), &args, "none of 10 rows has a label");
    // Masks of another size, and one without an image.
    tissue(dir.path(), 1);
    image::GrayImage::new(15, 16).save(dir.path().join("tissue/masks/i0.png")).unwrap();
    refused(dir.path(), &args, "masks of 16x15 pixels for examples of shape 1x16x16");
    tissue(dir.path(), 1);
    image::GrayImage::new(16, 16).save(dir.path().join("tissue/masks/other.png")).unwrap();
    refused(dir.path(), &args, "no image called \"other\"");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("full.csv"), "x,label\n1,a\n2,b\n3,a\n4,b\n").unwrap();
    fs::write(dir.path().join("part.csv"), "x,label\n1,a\n2,b\n3,\n4,\n").unwrap();
    fs::write(dir.path().join("none.csv"), "x,label\n1,\n2,\n3,\n4,\n").unwrap();
    fs::write(dir.path().join("one.csv"), "x,label\n1,a\n2,\n3,\n4,\n").unwrap();
    let from =
        |file: &'static str, strategy: &'static str| ["select", "--from", file, "--strategy", strategy];
    refused(dir.path(), &from("full.csv", "margin"), "every row has a label");
    refused(dir.path(), &from("iris", "margin"), "every row has a label");
    refused(dir.path(), &from("none.csv", "margin"), "none of 4 rows has a label");
    refused(dir.path(), &from("one.csv", "margin"), "1 class");
    refused(dir.path(), &from("part.csv", "greedy_oracle"), "reads labels that are not known yet");
    refused(dir.path(), &from("part.csv", "igs"), "does not serve classification");
    refused(dir.path(), &from("part.csv", "bald"), "bald needs 20 dropout passes");
    refused(dir.path(), &["select", "--strategy", "margin"], "--pool");
    refused(
        dir.path(),
        &["select", "--strategy", "margin", "--from", "part.csv", "--pool", "x.npy"],
        "cannot be used with",
    );
    refused(
        dir.path(),
        &["select", "--strategy", "random", "--pool", "x.npy", "--task", "regression"],
        "--task says how a data set is read",
    );
    refused(
        dir.path(),
        &["select", "--strategy", "margin", "--from", "part.csv", "--predictions", "part.csv", "--force"],
        "part.csv",
    );
    let more = querist(dir.path(), &[&from("part.csv", "margin")[..], &["--batch", "9"]].concat())
        .assert()
        .success();
    more.stderr(predicate::str::contains("9 asked for, 2 left"));
}

#[test]
fn fits_are_of_every_kind_of_targets() {
    let dir = tempfile::tempdir().unwrap();
    let net = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    net("sets.json", r#"{"inputs": 12, "blocks": [{"dense": {"width": 16}}], "outputs": 6, "dropout": 0.0}"#);
    let sets = ["fit", "sets.json", "--target", "labels_independent"];
    let found = json(dir.path(), &[&sets[..], &["--predictions", "sets.csv"]].concat());
    assert!(found["held_out_label_macro_f1"].as_f64().unwrap() > 0.7, "{found}");
    let held = fs::read_to_string(dir.path().join("sets.csv")).unwrap();
    assert!(held.starts_with("row,predicted,p(label0),"), "{held}");
    assert_eq!(held.lines().count() as u64, 1 + found["held_out_rows"].as_u64().unwrap());
    net("few.json", r#"{"inputs": 12, "blocks": [], "outputs": 5, "dropout": 0.0}"#);
    refused(dir.path(), &["fit", "few.json", "--target", "labels_independent"], "5 outputs, the data set 6");
    fs::write(dir.path().join("numbers.csv"), {
        let line = |i: usize| format!("{},{},{}\n", inputs(i)[0], inputs(i)[1], 3.0 * inputs(i)[0]);
        format!("x,y,z\n{}", (0..60).map(line).collect::<String>())
    })
    .unwrap();
    net("one.json", r#"{"inputs": 2, "blocks": [{"dense": {"width": 16}}], "outputs": 1, "dropout": 0.0}"#);
    let numbers = ["--target", "numbers.csv", "--task", "regression", "--label", "z"];
    let found =
        json(dir.path(), &[&["fit", "one.json"][..], &numbers, &["--predictions", "held.csv"]].concat());
    assert!(found["held_out_nrmse"].as_f64().unwrap() > 0.7, "{found}");
    let held = fs::read_to_string(dir.path().join("held.csv")).unwrap();
    assert_eq!(held.lines().count() as u64, 1 + found["held_out_rows"].as_u64().unwrap());
    tissue(dir.path(), 10);
    let image = r#"{"encoder_decoder": {"image": {"channels": 1, "height": 16, "width": 16}, "filters": 8}}"#;
    net("pixels.json", &format!(r#"{{"inputs": 256, "blocks": [{image}], "outputs": 256, "dropout": 0.0}}"#));
    let masks = ["--target", "./tissue", "--task", "segmentation", "--set", "learner.batch=2"];
    let more = ["--set", "learner.epochs=40", "--predictions", "held"];
    let found = json(dir.path(), &[&["fit", "pixels.json"][..], &masks, &more].concat());
    assert!(found["held_out_dice"].as_f64().unwrap() > 0.8, "{found}");
    let pictures = shown(&dir.path().join("held"));
    assert_eq!(pictures.len() as u64, found["held_out_rows"].as_u64().unwrap());
    // They are called as the images are.
    assert!(
        pictures.iter().all(|name| dir.path().join("tissue/images").join(name).is_file()),
        "{pictures:?}"
    );
    // Another network than one over pixels has no masks.
    net("plain.json", r#"{"inputs": 256, "blocks": [], "outputs": 256, "dropout": 0.0}"#);
    refused(dir.path(), &[&["fit", "plain.json"][..], &masks].concat(), "does not predict masks");
}

/// Rows that have got a mask are no longer predicted, and their pictures of the round before once stayed beside the new ones. What somebody
/// else has put there, or changed, stays.
#[test]
fn pictures_of_an_earlier_round_give_way_to_the_next_ones() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("outlines");
    let select = |force: bool| {
        let args =
            ["select", "--from", "./tissue", "--task", "segmentation", "--strategy", "random", "--set"];
        let more = ["learner.epochs=2", "--predictions", "outlines"];
        let mut command = querist(dir.path(), &[&args[..], &more].concat());
        command.args(force.then_some("--force")).assert()
    };
    tissue(dir.path(), 5);
    select(false).success();
    assert_eq!(shown(&out), ["i5.png", "i6.png", "i7.png", "i8.png", "i9.png"]);
    fs::write(out.join("mine.png"), "mine").unwrap();
    fs::write(out.join("i6.png"), "mine, too").unwrap();
    tissue(dir.path(), 7);
    select(false).code(2).stderr(predicate::str::contains("outlines"));
    assert_eq!(shown(&out).len(), 6, "nothing was written");
    select(true).success();
    assert_eq!(shown(&out), ["i6.png", "i7.png", "i8.png", "i9.png", "mine.png"]);
    assert_eq!(fs::read(out.join("i6.png")).unwrap(), b"mine, too");
    tissue(dir.path(), 9);
    select(true).success();
    assert_eq!(shown(&out), ["i6.png", "i9.png", "mine.png"]);
}

/// A program is a strategy here, too, and what is wrong with one is said without a key of experiment files.
#[test]
fn programs_are_asked_and_strategies_are_refused_by_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let label = |[x, _]: [f64; 2]| if x > 0.0 { "b" } else { "a" }.to_string();
    fs::write(dir.path().join("c.csv"), table("label", label)).unwrap();
    let script = "IFS=,\nwhile read -r question; do\n\
        candidates=${question#*\\\"candidates\\\":[}\nset -- ${candidates%%]*}\n\
        echo \"{\\\"picks\\\":[$1]}\"\ndone\n";
    fs::write(dir.path().join("first.sh"), script).unwrap();
    let from = ["select", "--from", "c.csv", "--id", "id", "--strategy"];
    let found = json(dir.path(), &[&from[..], &["external(command=\"sh first.sh\")"]].concat());
    assert_eq!(found["picks"], serde_json::json!([1]));
    for (args, words) in [
        (&["nonsense"][..], "nonsense"),
        (&["margin(beta=2)"], "beta"),
        (&["igs"], "igs"),
        (&["policy"], "policy"),
    ] {
        let output = querist(dir.path(), &[&from[..], args].concat()).assert().code(2).stdout("");
        let said = String::from_utf8(output.get_output().stderr.clone()).unwrap();
        assert!(said.contains(words) && !said.contains("transfer"), "{said}");
    }
    refused(dir.path(), &["select", "--from", "friedman1", "--strategy", "random"], "friedman1");
}

/// Labels that are all alike teach nothing, but whoever looks at inputs alone goes on beside them, and asks for no labelled row.
#[test]
fn labels_that_teach_nothing_do_not_end_the_labelling() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
    write("one.csv", table("label", |_| "a".into()));
    write("number.csv", table("z", |_| "2.5".into()));
    write("sets.csv", table("red,round", |_| "1,0".into()));
    for (file, more) in [
        ("one.csv", &["--label", "label"][..]),
        ("number.csv", &["--label", "z", "--task", "regression"]),
        ("sets.csv", &["--label", "red,round", "--task", "multi_label"]),
    ] {
        for strategy in ["k_center", "random"] {
            let args = ["select", "--from", file, "--id", "id", "--strategy", strategy, "--batch", "7"];
            let found = json(dir.path(), &[&args[..], more].concat());
            let picks: Vec<u64> =
                found["picks"].as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect();
            assert!(picks.len() == 7 && picks.iter().all(|row| row % 4 != 0), "{file} {strategy} {picks:?}");
            assert_eq!(found["labelled"], 15);
        }
    }
    let args = ["select", "--from", "one.csv", "--id", "id", "--label", "label", "--strategy", "margin"];
    refused(dir.path(), &args, "class");
}

/// An option that decides nothing is refused, and so is one place for two outputs.
#[test]
fn what_decides_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("z.csv"), table("z", |[x, y]| (3.0 * x + y).to_string())).unwrap();
    let from = [
        "select",
        "--from",
        "z.csv",
        "--id",
        "id",
        "--label",
        "z",
        "--task",
        "regression",
        "--strategy",
        "igs",
    ];
    for key in ["episode.rounds=3", "train.network.kind=mlp", "seed=9", "episode.scaling=none"] {
        let expected =
            format!("--set {}: decides nothing of `querist select --from`", key.split('=').next().unwrap());
        refused(dir.path(), &[&from[..], &["--set", key]].concat(), &expected);
    }
    let wild = [
        "--set",
        "learner.learning_rate=100",
        "--set",
        "learner.epochs=2000",
        "--set",
        "learner.momentum=0.9999",
    ];
    let wild = json(dir.path(), &[&from[..], &wild, &["--set", "learner.optimiser=sgd"]].concat());
    assert!(wild["note"].as_str().unwrap_or_default().contains("diverged at step"), "{wild}");
    fs::write(dir.path().join("n.json"), "{\"inputs\":2,\"blocks\":[],\"outputs\":1,\"dropout\":0.0}")
        .unwrap();
    let fit = ["fit", "n.json", "--target", "friedman1", "--force", "--out", "y", "--predictions", "./y"];
    refused(dir.path(), &fit, "--out and --predictions in one place");
    assert!(!dir.path().join("y").exists());
}
