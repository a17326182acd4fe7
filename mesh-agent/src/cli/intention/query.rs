use crate::cli::call::Call;
use crate::cli::client::Intention;
use crate::cli::failure::{Failure, OrFail};
use crate::cli::table::{row, table};

/// The exit status of `check` when it could not be found out.
pub(super) const UNKNOWN: u8 = 2;

/// The exit status of `check` for a connection that is denied.
const DENIED: u8 = 1;

pub(super) async fn check(call: &Call) -> Result<String, Failure> {
    let unknown = |failure: Failure| Failure { status: UNKNOWN, ..failure };
    let allowed = ask(call).await.map_err(unknown)?;
    if allowed { Ok("Allowed".to_owned()) } else { Err(Failure::answer(DENIED, "Denied")) }
}

async fn ask(call: &Call) -> Result<bool, Failure> {
    let [source, destination] = call.matches.positional.as_slice() else {
        return Err(Failure::new("Error: command requires exactly two arguments: src and dst"));
    };
    let allowed = call.client()?.check_intention(source, destination, call.query()).await;
    allowed.or_fail("Error checking the connection")
}

pub(super) async fn matching(call: &Call) -> Result<String, Failure> {
    let [name] = call.matches.positional.as_slice() else {
        return Err(Failure::new("Error: command requires exactly one argument: src or dst"));
    };
    if call.matches.is_on("source") && call.matches.is_on("destination") {
        return Err(Failure::new("Error: only one of -source or -destination may be specified"));
    }
    let by = if call.matches.is_on("source") { "source" } else { "destination" };
    let found = call.client()?.match_intentions(by, name, call.query()).await;
    let line = |i: &Intention| format!("{} => {} ({})", i.source_name, i.destination_name, i.action);
    let found = found.or_fail("Error matching the connection")?.value;
    Ok(found.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub(super) async fn list(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let mut found = call.client()?.intentions(&call.query()).await.or_fail("Error listing intentions")?;
    if found.is_empty() {
        return Err(Failure::with_status(0, "There are no intentions."));
    }
    found.sort_by_key(|intention| std::cmp::Reverse(intention.precedence));
    let line = |i: &Intention| {
        row([&i.id, &i.source_name, &i.action, &i.destination_name, &i.precedence.to_string()])
    };
    let head = row(["ID", "Source", "Action", "Destination", "Precedence"]);
    Ok(table(&std::iter::once(head).chain(found.iter().map(line)).collect::<Vec<_>>()))
}
