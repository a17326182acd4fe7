use crate::cli::call::Call;
use crate::cli::client::{Client, Intention};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::time;

pub(super) async fn get(call: &Call) -> Result<String, Failure> {
    let found = look_up(call, &call.client()?).await?;
    Ok(shown(&found))
}

pub(super) async fn delete(call: &Call) -> Result<String, Failure> {
    let client = call.client()?;
    let found = look_up(call, &client).await?;
    client.delete_intention(&found.id, &call.query()).await.or_fail("Error deleting the intention")?;
    Ok("Intention deleted.".to_owned())
}

async fn look_up(call: &Call, client: &Client) -> Result<Intention, Failure> {
    match call.matches.positional.as_slice() {
        [id] => client.intention(id, &call.query()).await.or_fail("Error reading the intention"),
        [source, destination] => {
            let all = client.intentions(&call.query()).await.or_fail("Error reading the intention")?;
            let same = |i: &Intention| i.source_name == *source && i.destination_name == *destination;
            all.into_iter().find(same).ok_or_else(|| not_found(source, destination))
        }
        _ => Err(Failure::new("Error: command requires exactly 1 or 2 arguments")),
    }
}

fn not_found(source: &str, destination: &str) -> Failure {
    Failure::new(format!(
        "Error: Intention with source \"{source}\" and destination \"{destination}\" not found."
    ))
}

fn shown(intention: &Intention) -> String {
    let mut rows = vec![
        ("Source:".to_owned(), intention.source_name.clone()),
        ("Destination:".to_owned(), intention.destination_name.clone()),
        ("Action:".to_owned(), intention.action.clone()),
        ("ID:".to_owned(), intention.id.clone()),
    ];
    if !intention.description.is_empty() {
        rows.push(("Description:".to_owned(), intention.description.clone()));
    }
    for (key, value) in intention.meta.iter().flatten() {
        rows.push((format!("Meta[{key}]:"), value.clone()));
    }
    rows.push(("Created At:".to_owned(), time::for_people(&intention.created_at)));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intention_is_shown_as_consul_does() {
        let intention = Intention {
            id: "b18b11eb-6acd-8962-9a61-ced5a52a6fa8".to_owned(),
            source_name: "web".to_owned(),
            destination_name: "*".to_owned(),
            action: "allow".to_owned(),
            meta: Some([("a".to_owned(), "b".to_owned())].into()),
            created_at: "2026-11-21T01:23:47.040284445Z".to_owned(),
            ..Intention::default()
        };
        let expected = "Source:       web\nDestination:  *\nAction:       allow\n\
                        ID:           b18b11eb-6acd-8962-9a61-ced5a52a6fa8\nMeta[a]:      b\n\
                        Created At:   Saturday, 21-Nov-26 01:23:47 UTC\n";
        assert_eq!(shown(&intention), expected);
    }
}
