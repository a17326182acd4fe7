//! `services register|deregister`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use crate::wire::decode::{fold, parse_hcl, parse_json};
use serde_json::{Map, Value, json};
use std::path::Path;

pub(super) const GROUP: Command = Command::group(
    "services",
    "Registers services with this agent",
    "Registers and deregisters services with the agent of this host. What the whole mesh has is under \"catalog\".",
);

pub(super) const REGISTER: Command = Command {
    path: "services register",
    synopsis: "Registers services with this agent",
    arguments: "[FILE...]",
    about: "Registers services with the agent of this host, from flags or from configuration files in HCL or \
            JSON. They stay until they are deregistered.\n\n      \
            $ mesh services register -name=web -port=8080\n      \
            $ mesh services register web.json",
    flags: &[
        Flag::value("address", "address", "Where the service listens. Default: the node's address."),
        Flag::value("id", "id", "The id of the instance. Default: its name."),
        Flag::value("kind", "kind", "What the service is; connect-proxy for a proxy."),
        Flag::value("meta", "key=value", "Metadata. May be given several times."),
        Flag::value("name", "name", "The name of the service."),
        Flag::value("port", "port", "The port on which it listens."),
        Flag::value("tag", "tag", "A tag. May be given several times."),
        Flag::value(
            "tagged-address",
            "tag=address:port",
            "An address under a tag. May be given several times.",
        ),
    ],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(register(call))),
};

pub(super) const DEREGISTER: Command = Command {
    path: "services deregister",
    synopsis: "Deregisters services from this agent",
    arguments: "[FILE...]",
    about: "Deregisters services from the agent of this host: the one with the id, or those that the files \
            define.\n\n      $ mesh services deregister -id=web\n      $ mesh services deregister web.json",
    flags: &[Flag::value("id", "id", "The id of the instance.")],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(deregister(call))),
};

async fn register(call: &Call) -> Result<String, Failure> {
    let files = &call.matches.positional;
    let definitions = if files.is_empty() { vec![from_flags(call)?] } else { from_files(files)? };
    let client = call.client()?;
    let mut lines = Vec::new();
    for definition in &definitions {
        let name = field(definition, "name").unwrap_or_default();
        let registered = client.register_service(definition).await;
        registered.or_fail(format!("Error registering service \"{name}\""))?;
        lines.push(format!("Registered service: {name}"));
    }
    Ok(lines.join("\n"))
}

async fn deregister(call: &Call) -> Result<String, Failure> {
    let ids = ids_to_deregister(call)?;
    let client = call.client()?;
    let mut lines = Vec::new();
    for id in ids {
        client.deregister_service(&id).await.or_fail(format!("Error deregistering service \"{id}\""))?;
        lines.push(format!("Deregistered service: {id}"));
    }
    Ok(lines.join("\n"))
}

fn ids_to_deregister(call: &Call) -> Result<Vec<String>, Failure> {
    match (call.matches.value("id"), call.matches.positional.as_slice()) {
        (None, []) => Err(Failure::new("Service deregistration requires at least one argument or -id.")),
        (Some(_), [_, ..]) => {
            Err(Failure::new("Service deregistration requires arguments or -id, not both."))
        }
        (Some(id), []) => Ok(vec![id.to_owned()]),
        (None, files) => from_files(files)?.iter().map(id_of).collect(),
    }
}

fn id_of(definition: &Value) -> Result<String, Failure> {
    let id = field(definition, "id").or_else(|| field(definition, "name"));
    id.ok_or_else(|| Failure::new("a service without id and name cannot be deregistered"))
}

fn from_flags(call: &Call) -> Result<Value, Failure> {
    let flags = &call.matches;
    let Some(name) = flags.value("name") else {
        return Err(Failure::new("Service registration requires at least one argument or flags."));
    };
    let mut service = Map::new();
    service.insert("Name".to_owned(), json!(name));
    for (key, flag) in [("ID", "id"), ("Address", "address"), ("Kind", "kind")] {
        if let Some(value) = flags.value(flag) {
            service.insert(key.to_owned(), json!(value));
        }
    }
    if let Some(port) = flags.value("port") {
        service.insert("Port".to_owned(), json!(port_number("port", port)?));
    }
    service.insert("Tags".to_owned(), json!(flags.values("tag")));
    let meta: Map<String, Value> = call.pairs("meta")?.into_iter().map(|(k, v)| (k, json!(v))).collect();
    service.insert("Meta".to_owned(), Value::Object(meta));
    service.insert("TaggedAddresses".to_owned(), tagged_addresses(call)?);
    Ok(Value::Object(service))
}

fn tagged_addresses(call: &Call) -> Result<Value, Failure> {
    let mut tagged = Map::new();
    for (tag, text) in call.pairs("tagged-address")? {
        let (address, port) = text.rsplit_once(':').unwrap_or((&text, "0"));
        let port = port_number("tagged-address", port)?;
        tagged.insert(tag, json!({"Address": address.trim_matches(['[', ']']), "Port": port}));
    }
    Ok(Value::Object(tagged))
}

fn port_number(flag: &str, text: &str) -> Result<u16, Failure> {
    text.parse().or_fail(format!("invalid port {text:?} for flag -{flag}: want 0 to 65535"))
}

fn from_files(files: &[String]) -> Result<Vec<Value>, Failure> {
    let mut definitions = Vec::new();
    for file in files {
        definitions.extend(from_file(file)?);
    }
    Ok(definitions)
}

/// What a configuration file has under `service` and `services`.
fn from_file(file: &str) -> Result<Vec<Value>, Failure> {
    let text = std::fs::read_to_string(file).or_fail(format!("Error: cannot read {file}"))?;
    let is_json = Path::new(file).extension().is_some_and(|extension| extension == "json");
    let document = if is_json { parse_json(text.as_bytes()) } else { parse_hcl(&text) };
    let document = document.or_fail(format!("Error: {file}"))?;
    let found: Vec<Value> =
        ["service", "services"].iter().filter_map(|key| document.get(*key)).flat_map(each).collect();
    if found.is_empty() {
        return Err(Failure::new(format!("Error: {file} defines neither \"service\" nor \"services\"")));
    }
    Ok(found)
}

/// HCL has a list where a block stands, JSON may have the object itself.
fn each(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// A field, however the document spells its name.
fn field(definition: &Value, name: &str) -> Option<String> {
    let object = definition.as_object()?;
    let (_, value) = object.iter().find(|(key, _)| fold(key) == name)?;
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(name: &str, text: &str) -> Result<Vec<Value>, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        from_file(path.to_str().unwrap())
    }

    #[test]
    fn one_service_or_several_in_either_language() {
        let cases = [
            ("a.json", r#"{"service": {"name": "web", "port": 80}}"#, vec!["web"]),
            ("a.json", r#"{"services": [{"Name": "a"}, {"name": "b"}]}"#, vec!["a", "b"]),
            ("a.hcl", "service {\n name = \"web\"\n port = 80\n}", vec!["web"]),
            ("a.hcl", "services {\n name = \"a\"\n}\nservices {\n name = \"b\"\n}", vec!["a", "b"]),
        ];
        for (file, text, expected) in cases {
            let found = definitions(file, text).unwrap();
            let names: Vec<String> = found.iter().filter_map(|d| field(d, "name")).collect();
            assert_eq!(names, expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_defines_no_service_or_is_broken_is_named() {
        for (file, text) in [("a.json", "{}"), ("a.json", "{"), ("a.hcl", "service {")] {
            assert!(definitions(file, text).unwrap_err().message.contains(file), "{text}");
        }
    }
}
