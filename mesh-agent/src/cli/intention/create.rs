use crate::cli::call::Call;
use crate::cli::client::{Client, Query};
use crate::cli::failure::{Failure, OrFail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::Read;

/// An intention to be, with what its message needs.
struct Draft {
    source: String,
    destination: String,
    action: String,
    body: Value,
}

/// The part of an intention file that the command itself reads.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    source_name: String,
    destination_name: String,
    action: String,
}

pub(super) async fn create(call: &Call) -> Result<String, Failure> {
    let drafts = drafts(call)?;
    let client = call.client()?;
    let mut lines = Vec::new();
    for draft in &drafts {
        let done = if call.matches.is_on("replace") {
            replace(&client, draft, &call.query()).await?
        } else {
            create_one(&client, draft, &call.query()).await?
        };
        lines.push(format!("{done}: {}", draft.shown()));
    }
    Ok(lines.join("\n"))
}

impl Draft {
    fn shown(&self) -> String {
        format!("{} => {} ({})", self.source, self.destination, self.action)
    }
}

async fn create_one(client: &Client, draft: &Draft, query: &Query) -> Result<&'static str, Failure> {
    let created = client.create_intention(&draft.body, query).await;
    created.or_fail(format!("Error creating intention \"{}\"", draft.shown()))?;
    Ok("Created")
}

async fn replace(client: &Client, draft: &Draft, query: &Query) -> Result<&'static str, Failure> {
    let attempted = format!("Error replacing intention \"{}\"", draft.shown());
    let all = client.intentions(query).await.or_fail(&attempted)?;
    let same = all.iter().find(|i| i.source_name == draft.source && i.destination_name == draft.destination);
    let Some(same) = same else { return create_one(client, draft, query).await };
    client.update_intention(&same.id, &draft.body, query).await.or_fail(&attempted)?;
    Ok("Updated")
}

fn drafts(call: &Call) -> Result<Vec<Draft>, Failure> {
    if call.matches.is_on("allow") && call.matches.is_on("deny") {
        return Err(Failure::new("Only one of -allow or -deny may be specified."));
    }
    if call.matches.is_on("file") {
        return call.matches.positional.iter().map(|file| from_file(file)).collect();
    }
    from_arguments(call).map(|draft| vec![draft])
}

fn from_arguments(call: &Call) -> Result<Draft, Failure> {
    let [source, destination] = call.matches.positional.as_slice() else {
        return Err(Failure::new("Error: Must specify two arguments: source and destination"));
    };
    let action = if call.matches.is_on("deny") { "deny" } else { "allow" };
    let meta: Map<String, Value> = call.pairs("meta")?.into_iter().map(|(k, v)| (k, json!(v))).collect();
    let mut body = json!({
        "SourceName": source,
        "DestinationName": destination,
        "SourceType": "consul",
        "Action": action,
        "Meta": meta,
    });
    if let Some(description) = call.matches.value("description") {
        body["Description"] = json!(description);
    }
    Ok(Draft { source: source.clone(), destination: destination.clone(), action: action.to_owned(), body })
}

fn from_file(file: &str) -> Result<Draft, Failure> {
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(file).map(|found| text = found),
    };
    read.or_fail(format!("Error: cannot read {file}"))?;
    let body: Value = serde_json::from_str(&text).or_fail(format!("Error: {file} is not valid JSON"))?;
    let named = Named::deserialize(&body).or_fail(format!("Error: {file} is not an intention"))?;
    Ok(Draft { source: named.source_name, destination: named.destination_name, action: named.action, body })
}
