//! The JSON Schema of experiment files, draft 7, which editors of TOML read.

use super::describe;
use crate::experiment::keys::{Absent, Described, Shape};
use crate::experiment::vocabulary::Vocabulary;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The schema. It knows names, types, ranges and defaults of all keys; what they may not say together, only the program
/// knows.
pub fn schema(vocabulary: &Vocabulary) -> Value {
    let mut definitions = BTreeMap::new();
    let mut schema = object(&describe(vocabulary), &mut definitions);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Querist experiment file");
    schema["definitions"] = json!(definitions);
    schema
}

/// The name of a definition: a key of JSON without spaces.
fn key_of(name: &str) -> String {
    name.replace(' ', "_")
}

fn object(keys: &[Described], definitions: &mut BTreeMap<String, Value>) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.key.to_string(), property(key, definitions))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn property(key: &Described, definitions: &mut BTreeMap<String, Value>) -> Value {
    let mut value = of_shape(&key.shape, definitions);
    let mut about = key.about.clone();
    if !key.only.is_empty() {
        about += &format!(" Only {}.", key.only);
    }
    match &key.absent {
        Absent::Value(default) => value["default"] = default.clone(),
        Absent::Words(words) => about += &format!(" Default: {words}."),
        Absent::Nothing => {}
    }
    value["description"] = json!(about);
    value
}

fn of_shape(shape: &Shape, definitions: &mut BTreeMap<String, Value>) -> Value {
    match shape {
        Shape::Integer { low, high } => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Shape::Number { low, high } => json!({ "type": "number", "minimum": low, "maximum": high }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Name { words, pattern } => {
            let text = match *pattern {
                "" => json!({ "type": "string" }),
                pattern => json!({ "type": "string", "pattern": pattern }),
            };
            if words.is_empty() { text } else { json!({ "anyOf": [{ "enum": words }, text] }) }
        }
        Shape::List { item, least, most } => {
            let mut list = json!({ "type": "array", "items": of_shape(item, definitions) });
            if *least > 0 {
                list["minItems"] = json!(least);
            }
            if let Some(most) = most {
                list["maxItems"] = json!(most);
            }
            list
        }
        Shape::Table(keys) => object(keys, definitions),
        Shape::Entries(value) => {
            json!({ "type": "object", "additionalProperties": of_shape(value, definitions) })
        }
        Shape::Either(shapes) => {
            let shapes: Vec<Value> = shapes.iter().map(|shape| of_shape(shape, definitions)).collect();
            json!({ "anyOf": shapes })
        }
        Shape::Defined(name, shape) => {
            let name = key_of(name);
            if !definitions.contains_key(&name) {
                let definition = of_shape(shape, definitions);
                definitions.insert(name.clone(), definition);
            }
            json!({ "$ref": format!("#/definitions/{name}") })
        }
    }
}
