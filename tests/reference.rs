//! The pages and the schema of experiment files and strategies, held together with what the program reads.

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::Predicate;
use querist::experiment::{Plan, Vocabulary};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::Value as Toml;

fn printed(args: &[&str]) -> String {
    let output = Command::new(cargo_bin("querist")).args(args).assert().code(0).get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn schema() -> Json {
    serde_json::from_str(&printed(&["schema"])).unwrap()
}

/// All TOML files of a folder and those below.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "out") {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
}

fn experiments() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&repository("experiments"), &mut found);
    assert!(found.len() > 25, "{found:?}");
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Every name that the schema proposes, and those of sets that only a data folder has.
fn vocabulary(schema: &Json) -> Vocabulary {
    let leaked = |name: &str| -> &'static str { Box::leak(name.to_string().into_boxed_str()) };
    let words = |shape: &Json| -> Vec<&'static str> {
        shape["anyOf"][0]["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| leaked(name.as_str().unwrap()))
            .collect()
    };
    let mut datasets = words(&schema["definitions"]["data_set"]["anyOf"][0]);
    for (_, text) in experiments() {
        let file: Toml = text.parse::<toml::Table>().unwrap().into();
        for list in [
            ("transfer", "targets"),
            ("search_comparison", "targets"),
            ("sources", "datasets"),
            ("sources", "validation"),
        ] {
            let named = file.get(list.0).and_then(|section| section.get(list.1)).and_then(Toml::as_array);
            datasets.extend(named.into_iter().flatten().filter_map(Toml::as_str).map(leaked));
        }
    }
    let builtin = Vocabulary::default();
    let strategies = words(&schema["properties"]["transfer"]["properties"]["strategies"]["items"]);
    assert!(builtin.registry.names().all(|name| strategies.contains(&name)), "{strategies:?}");
    Vocabulary { datasets, ..builtin }
}

/// Whether a TOML value fits a JSON Schema, as far as the schema of experiment files goes: a keyword that this does not
/// know is a failure of the test. Floats are no integers, as TOML has it.
fn fits(schema: &Json, value: &Toml, root: &Json) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("{value}: {why}"));
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "description" | "default" | "title" | "$schema" | "definitions" => {}
            "$ref" => fits(root.pointer(&rule.as_str().unwrap()[1..]).unwrap(), value, root)?,
            "type" => {
                let right = match rule.as_str().unwrap() {
                    "object" => value.is_table(),
                    "array" => value.is_array(),
                    "string" => value.is_str(),
                    "boolean" => value.is_bool(),
                    "integer" => value.is_integer(),
                    "number" => value.is_integer() || value.is_float(),
                    other => panic!("the type {other}"),
                };
                if !right {
                    return refuse(&format!("no {rule}"));
                }
            }
            "enum" if !rule.as_array().unwrap().iter().any(|word| word.as_str() == value.as_str()) => {
                return refuse(&format!("none of {rule}"));
            }
            "anyOf" => {
                let tried: Vec<_> =
                    rule.as_array().unwrap().iter().map(|rule| fits(rule, value, root)).collect();
                if !tried.iter().any(Result::is_ok) {
                    return refuse(&format!("{tried:?}"));
                }
            }
            "pattern" => {
                let pattern = predicates::str::is_match(rule.as_str().unwrap()).unwrap();
                if !value.as_str().is_some_and(|text| pattern.eval(text)) {
                    return refuse(&format!("does not match {rule}"));
                }
            }
            "minimum" | "maximum" => {
                let bound = rule.as_f64().unwrap();
                let Some(found) = value.as_float().or(value.as_integer().map(|n| n as f64)) else { continue };
                let within = if keyword == "minimum" { found >= bound } else { found <= bound };
                if !within {
                    return refuse(&format!("{keyword} {rule}"));
                }
            }
            "minItems" | "maxItems" => {
                let (count, bound) = (value.as_array().map_or(0, Vec::len), rule.as_u64().unwrap() as usize);
                let within = if keyword == "minItems" { count >= bound } else { count <= bound };
                if !within {
                    return refuse(&format!("{keyword} {rule}"));
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    fits(rule, item, root)?;
                }
            }
            "properties" => {
                for (key, inner) in value.as_table().into_iter().flatten() {
                    match rule.get(key) {
                        Some(rule) => fits(rule, inner, root)?,
                        None => return refuse(&format!("no key {key}")),
                    }
                }
            }
            "additionalProperties" if rule.is_object() => {
                for inner in value.as_table().into_iter().flatten().map(|(_, inner)| inner) {
                    fits(rule, inner, root)?;
                }
            }
            "additionalProperties" => assert_eq!(*rule, Json::Bool(false)),
            "enum" => {}
            other => panic!("the keyword {other}"),
        }
    }
    Ok(())
}

#[test]
fn the_pages_are_what_the_program_prints() {
    for (page, args) in [
        ("docs/experiment-file.md", ["schema", "--markdown"]),
        ("docs/strategies.md", ["strategies", "--markdown"]),
    ] {
        let found = fs::read_to_string(repository(page)).unwrap_or_default();
        assert!(
            found == printed(&args),
            "{page} is out of date: cargo run --release -- {} > {page}",
            args.join(" ")
        );
    }
}

/// Key by key, with the tables that they stand in, of a resolved plan.
fn keys(value: &Toml, path: &str, found: &mut BTreeSet<(String, String)>) {
    for (key, inner) in value.as_table().into_iter().flatten() {
        found.insert((path.to_string(), key.clone()));
        // Its keys are names of columns.
        if (path, key.as_str()) == ("data set", "types") {
            continue;
        }
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        keys(inner, &below, found);
        let tables = inner.as_array().into_iter().flatten().filter(|item| item.is_table());
        tables.for_each(|item| keys(item, "data set", found));
    }
}

/// Everything that a plan can say stands on the page and in the schema, which has its file right.
#[test]
fn every_key_is_on_the_page_and_every_experiment_fits_the_schema() {
    let schema = schema();
    let vocabulary = vocabulary(&schema);
    let everything = "data_dir = \".\"\n[learner]\noptimiser = \"sgd\"\npatience = 3\nwarm_start = true\nfirst_epochs = 2\n\
         device = \"flex\"\n[episode]\nbudget = 3\ninitial = \"random\"\ntarget_accuracy = 0.9\n\
         [sources]\nrandomise = { initial = [\"random\"], query_size = [1], warm_start = 0.5 }\n\
         [train]\nimitation = { without = [\"coverage\"] }\n\
         [search]\nhill_climbing = { restarts = 3 }\nannealing = { cooling = 0.5 }\nevolution = { sample = 2 }\n\
         halving = { eta = 2 }\n\
         [transfer]\ntargets = [{ file = \"a.csv\", name = \"n\", label = \"y\", features = \"f.npy\", id = \"i\", \
         split = \"s\", columns = [\"x*\"], ignore = [\"z\"], separator = \"tab\", header = true, decimal = \",\", \
         inputs = \"x\", channels = \"last\", base = 0, hash = 8, svd = 4, missing = [\"-999\"], types = { zip = \"category\" } }, \
         { file = \"b.csv\", features = [\"f.npy\", \"g.npy\"], separator = \";\" }]\n\
         policy = \"universal\"\n\
         [search_comparison]\ntargets = [\"iris\"]\nfree = {}\nhill_climbing = { restarts = 3 }\nannealing = { cooling = 0.5 }\n\
         evolution = { sample = 2 }\nhalving = { eta = 2 }\n";
    let others = [
        "[transfer]\ntargets = [{ file = \"c.csv\", label = \"t\", label_separator = \";\", task = \"multi_label\" }]",
        "[learner]\noptimiser = \"lbfgs\"\nhidden = []\n[report]\ntarget_accuracy = 0.9\n[train]",
        "[learner]\nsteps = 3\nensemble = 3\n[episode]\ntarget_share = 0.9\n[train]",
        "[learner]\ntrain_loss = 0.5\n[train]",
        "[episode]\nannotator = { noise = 0.1 }\nstops = true\nworld = { long_tail = 2.0, label_noise = 0.1, covariate_shift = 1.0 }\n\
         augment = { kind = \"mixup\" }\n[train]",
        "[episode]\naugment = { kind = \"noise\" }\nconsistency = { side = 3 }\n[train]",
        "[episode]\naugment = { kind = \"shift\" }\n[train]",
        "[episode]\nencoder = { seen_by = \"all\", training = \"fine_tuned\" }\nrejected = \"covered\"\n\
         world = { open_set = 0.3, domains = {} }\ngenerator = {}\n[transfer]\ntargets = [\"iris\"]",
        "[episode]\nencoder = { kind = \"contrastive\", pixels = 1, side = 2 }\nworld = { open_set = 0.3 }\n[train]",
        "[episode.world.domains]\ncolumn = \"site\"\nsource = [\"a\"]\n[transfer]\ntargets = [\"iris\"]",
        "[episode]\nprice = \"outline\"\n[transfer]\ntargets = [\"glands_plain\"]",
        "[episode]\naugment = { kind = \"cutout\" }\n[train]",
        "[search]\nimage = [1, 8, 8]\n[sources]\nsynthetic = 0\nvalidation_synthetic = 0\ndatasets = [\"digits\"]",
    ];
    let own =
        [everything].into_iter().chain(others).map(|text| (PathBuf::from("own.toml"), text.to_string()));
    let mut known = BTreeSet::new();
    for (path, text) in experiments().into_iter().chain(own) {
        let name = path.display().to_string();
        let file: Toml = text.parse::<toml::Table>().unwrap().into();
        fits(&schema, &file, &schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        let plan =
            Plan::parse(&text, &name, &[], None, &vocabulary).unwrap_or_else(|error| panic!("{error}"));
        let resolved: Toml = plan.to_toml().parse::<toml::Table>().unwrap().into();
        fits(&schema, &resolved, &schema).unwrap_or_else(|error| panic!("{name}, resolved: {error}"));
        keys(&resolved, "", &mut known);
    }
    let page = printed(&["schema", "--markdown"]);
    for (path, key) in &known {
        let heading = match path.as_str() {
            "" => "## Outside of sections".to_string(),
            "data set" => "## Data sets".to_string(),
            path => format!("## `[{path}]`"),
        };
        // Sections have headings of their own.
        let line = format!("\n| `{key}` |");
        let below =
            format!("## `[{}{key}]`", if path.is_empty() { String::new() } else { format!("{path}.") });
        let part = page.split(&heading).nth(1).unwrap_or_else(|| panic!("{heading} is missing"));
        let part = part.split("\n## ").next().unwrap();
        assert!(part.contains(&line) || page.contains(&below), "{path}.{key} is not on the page");
    }
    // And the page has nothing that no plan says: every key of the schema was seen above.
    let mut described = BTreeSet::new();
    of_schema(&schema, "", &schema, &mut described);
    let missing: Vec<_> =
        described.iter().filter(|&(path, key, _)| !known.contains(&(path.clone(), key.clone()))).collect();
    assert!(missing.is_empty(), "the plans above do not say {missing:?}");
}

/// Every key of the schema: the table that it stands in, its name, its rule as text.
fn of_schema(rule: &Json, path: &str, root: &Json, found: &mut BTreeSet<(String, String, String)>) {
    let alternatives = rule["anyOf"].as_array().cloned().unwrap_or_default();
    alternatives.iter().for_each(|rule| of_schema(rule, path, root, found));
    for (key, inner) in rule["properties"].as_object().into_iter().flatten() {
        found.insert((path.to_string(), key.clone(), inner.to_string()));
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        of_schema(inner, &below, root, found);
    }
    if path.is_empty() {
        of_schema(&root["definitions"]["data_set"], "data set", root, found);
    }
}

/// Values beyond both ends of a rule, or of no type that it has, as TOML; and both ends themselves.
fn samples(rule: &Json) -> (Vec<String>, Vec<String>) {
    let mut wrong = vec!["1979-05-27".to_string()];
    let mut right = Vec::new();
    if let (Some(low), Some(high)) = (rule.get("minimum"), rule.get("maximum")) {
        wrong.push("\"3\"".to_string());
        right.extend([low.to_string(), high.to_string()]);
        if rule["type"] == "integer" {
            wrong.extend([(low.as_i64().unwrap() - 1).to_string(), "1.5".to_string()]);
            // The largest seed is the largest integer that TOML has.
            wrong.extend(high.as_i64().and_then(|high| high.checked_add(1)).map(|above| above.to_string()));
        } else {
            let (low, high) = (low.as_f64().unwrap(), high.as_f64().unwrap());
            wrong.extend([format!("{:?}", low - 0.5), format!("{:?}", high + 0.5)]);
        }
    }
    if rule["type"] == "boolean" || rule["type"] == "string" {
        wrong.push("3".to_string());
    }
    if rule.get("enum").is_some() || rule["items"].get("enum").is_some() {
        wrong.push("\"zzz\"".to_string());
    }
    if let Some(items) = rule.get("items").filter(|items| items.get("$ref").is_none()) {
        wrong.extend(samples(items).0.into_iter().map(|item| format!("[{item}]")));
    }
    (wrong, right)
}

#[test]
fn wrong_keys_types_and_ranges_are_refused_by_reader_and_schema() {
    let schema = schema();
    let vocabulary = vocabulary(&schema);
    let mut found = BTreeSet::new();
    of_schema(&schema, "", &schema, &mut found);
    let found: Vec<_> = found.into_iter().filter(|(path, ..)| path != "data set").collect();
    let file = |path: &str, key: &str, value: &str| {
        let header = if path.is_empty() { String::new() } else { format!("[{path}]\n") };
        let stage = if path.split('.').next() == Some("train") || (path.is_empty() && key == "train") {
            String::new()
        } else {
            "\n[train]\n".to_string()
        };
        format!("{header}{key} = {value}\n{stage}")
    };
    let check = |text: &str| -> (Result<(), String>, Result<(), String>) {
        let value: Toml = text.parse::<toml::Table>().unwrap().into();
        let read = Plan::parse(text, "x.toml", &[], None, &vocabulary);
        (fits(&schema, &value, &schema), read.map(drop).map_err(|error| error.to_string()))
    };
    let mut checked = 0;
    for (path, key, rule) in &found {
        let rule: Json = serde_json::from_str(rule).unwrap();
        // Keys that stand beside others only, and ends that others move.
        let conditional = rule["description"]
            .as_str()
            .is_some_and(|text| text.contains(" Only with") || text.contains("At least `"));
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let (wrong, right) = samples(&rule);
        for value in wrong {
            let (schema, reader) = check(&file(path, key, &value));
            assert!(schema.is_err(), "the schema takes {full} = {value}");
            let message = reader.expect_err(&format!("the reader takes {full} = {value}"));
            assert!(message.contains(&format!("`{full}")), "{full} = {value}: {message}");
            checked += 1;
        }
        for value in right.iter().filter(|_| !conditional) {
            let (schema, reader) = check(&file(path, key, value));
            assert!(schema.is_ok(), "the schema refuses {full} = {value}: {schema:?}");
            let message = reader.err().unwrap_or_default();
            assert!(!message.contains("expected"), "the reader refuses {full} = {value}: {message}");
            checked += 1;
        }
    }
    assert!(checked > 600, "{checked}");
    let tables: BTreeSet<&String> = found.iter().map(|(path, ..)| path).collect();
    assert!(tables.len() > 20, "{tables:?}");
    for path in tables {
        let (schema, reader) = check(&file(path, "zzz", "1"));
        assert!(schema.is_err(), "the schema takes another key in [{path}]");
        let message = reader.expect_err("the reader takes another key");
        assert!(message.contains("unknown key"), "[{path}]: {message}");
    }
}

/// The page begins with a file and a command, which were run as they stand.
#[test]
fn the_example_of_the_page_runs() {
    let dir = tempfile::tempdir().unwrap();
    let page = printed(&["schema", "--markdown"]);
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = tempfile::Builder::new().suffix(".toml").tempfile_in(dir.path()).unwrap();
    std::io::Write::write_all(&mut file.as_file(), example.as_bytes()).unwrap();
    Command::new(cargo_bin("querist"))
        .current_dir(dir.path())
        .args(["run", "--quiet", "--out", "run"])
        .arg(file.path())
        .assert()
        .code(0);
    assert!(dir.path().join("run/report.html").is_file());
}

#[test]
fn manual_pages_are_printed() {
    let page = printed(&["man"]);
    assert!(page.starts_with(".ie") || page.contains(".TH querist"), "{page}");
    assert!(page.contains("querist") && page.contains("transfer"));
    assert!(printed(&["man", "run"]).contains("\\-\\-dry\\-run"));
    let refused = Command::new(cargo_bin("querist")).args(["man", "rum"]).assert().code(2).stdout("");
    let message = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(message.contains("no command `rum`") && message.contains("did you mean `run`?"), "{message}");
}
