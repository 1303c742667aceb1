//! The compose files as the tests read them: merged, with the defaults of their variables.
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

/// The demo's file.
pub(crate) const DEMO: &[&str] = &["docker-compose.yml"];
/// What production puts over it.
pub(crate) const PRODUCTION: &[&str] = &["docker-compose.yml", "docker-compose.production.yml"];

/// What a variable without a default is taken to be.
pub(crate) const PREPARED: &str = "https://prepared";

/// The containers of one or several compose files, the later over the earlier.
pub(crate) struct Compose {
    pub(crate) containers: BTreeMap<String, Container>,
    /// Every variable that is asked of the operator.
    pub(crate) variables: BTreeSet<String>,
    /// What the operator says instead of the defaults.
    given: BTreeMap<String, String>,
}

/// One container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Container {
    pub(crate) image: String,
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) ports: Vec<String>,
    /// What is mounted, by where.
    pub(crate) mounts: BTreeMap<String, String>,
    pub(crate) depends_on: BTreeMap<String, String>,
    pub(crate) health: Vec<String>,
    /// As it stands in the file.
    pub(crate) whole: Map<String, Value>,
}

impl Container {
    /// Whether it is one of ours.
    pub(crate) fn is_historia(&self) -> bool {
        self.image.starts_with("historia:")
    }
}

/// A file at the root of the repository.
pub(crate) fn at_root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

impl Compose {
    pub(crate) fn read(files: &[&str]) -> Self {
        Self::read_with(files, &[])
    }

    /// The same for an operator who set these variables.
    pub(crate) fn read_with(files: &[&str], given: &[(&str, &str)]) -> Self {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut compose = Self { containers: BTreeMap::new(), variables: BTreeSet::new(), given };
        for file in files {
            let text = std::fs::read_to_string(at_root(file)).unwrap();
            let documents = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let document = compose.interpolated(json(&documents[0]));
            for (name, fields) in document["services"].as_object().expect("there are containers") {
                let container = compose.containers.entry(name.clone()).or_default();
                container.take(fields.as_object().unwrap());
            }
        }
        compose
    }

    fn interpolated(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.interpolate(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.interpolated(item)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, value)| (name, self.interpolated(value))).collect())
            }
            other => other,
        }
    }

    /// `${NAME:-default}`, and `${NAME:?}` for what has none.
    fn interpolate(&mut self, text: &str) -> String {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, variable)) = rest.split_once("${") {
            let (variable, after) = variable.split_once('}').expect("a variable ends");
            let (name, default) = match variable.split_once(":-") {
                Some((name, default)) => (name, default),
                None => (variable.strip_suffix(":?").expect("a variable has a default or is required"), PREPARED),
            };
            self.variables.insert(name.to_owned());
            whole.push_str(before);
            whole.push_str(self.given.get(name).map_or(default, String::as_str));
            rest = after;
        }
        whole + rest
    }
}

/// The document with its merge keys (`<<`) resolved; aliases are by the parser.
fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) | Yaml::Real(text) => Value::String(text.clone()),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::Boolean(truth) => Value::from(*truth),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::Null => Value::Null,
        Yaml::Hash(fields) => {
            let mut whole = Map::new();
            for (_, value) in fields.iter().filter(|(name, _)| name.as_str() == Some("<<")) {
                let merged = if let Yaml::Array(several) = value { several.clone() } else { vec![value.clone()] };
                for fields in merged {
                    // What is there already is nearer.
                    for (name, value) in json(&fields).as_object().expect("maps are merged") {
                        whole.entry(name.clone()).or_insert_with(|| value.clone());
                    }
                }
            }
            let own = fields.iter().filter(|(name, _)| name.as_str() != Some("<<"));
            whole.extend(own.map(|(name, value)| (name.as_str().expect("names are texts").to_owned(), json(value))));
            Value::Object(whole)
        }
        other => panic!("{other:?} has no place in a compose file"),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    value.as_array().map(|items| items.iter().map(text).collect()).unwrap_or_default()
}

impl Container {
    /// Puts `fields` over what is there, as compose does.
    fn take(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            match name.as_str() {
                "image" => self.image = value.as_str().unwrap().to_owned(),
                "command" => self.command = texts(value),
                "ports" => self.ports.extend(texts(value)),
                "environment" => {
                    for (name, value) in value.as_object().expect("environments are maps") {
                        self.environment.insert(name.clone(), value.as_str().expect("values are texts").to_owned());
                    }
                }
                "volumes" => self.mounts.extend(value.as_array().unwrap().iter().map(mount)),
                "depends_on" => {
                    for (name, condition) in value.as_object().expect("conditions are named") {
                        let condition = condition["condition"].as_str().unwrap().to_owned();
                        self.depends_on.insert(name.clone(), condition);
                    }
                }
                "healthcheck" => self.health = texts(&value["test"]),
                _ => {}
            }
            self.whole.insert(name.clone(), value.clone());
        }
    }
}

/// Where it is mounted, and what.
fn mount(value: &Value) -> (String, String) {
    if let Some(text) = value.as_str() {
        let text = text.strip_suffix(":ro").unwrap_or(text);
        let (source, target) = text.rsplit_once(':').expect("a mount has a target");
        return (target.to_owned(), source.to_owned());
    }
    let field = |name: &str| value[name].as_str().unwrap().to_owned();
    (field("target"), field("source"))
}
