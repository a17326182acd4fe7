use super::{key, number, one_key};
use crate::cli::call::Call;
use crate::cli::command::{Action, Api, Command};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::flags::Flag;

pub(crate) const DELETE: Command = Command {
    path: "kv delete",
    synopsis: "Removes stored values",
    arguments: "KEY_OR_PREFIX",
    about: "Removes a key, or with -recurse all keys below a prefix. With -cas it is removed only if it is still \
            as it was at -modify-index.",
    flags: &[
        Flag::switch("cas", "Remove only if the key is as it was at -modify-index."),
        Flag::value("modify-index", "index", "What -cas compares with."),
        Flag::switch("recurse", "Remove all keys that begin like this one."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(delete(call))),
};

async fn delete(call: &Call) -> Result<String, Failure> {
    let flags = &call.matches;
    let (recurse, cas, index) =
        (flags.is_on("recurse"), flags.is_on("cas"), number(call, "modify-index", 0)?);
    match (recurse, cas, index) {
        (true, true, _) => Err(Failure::new("Cannot specify both -cas and -recurse!")),
        (_, true, 0) => Err(Failure::new("Must specify -modify-index with -cas!")),
        (_, false, 1..) => Err(Failure::new("Cannot specify -modify-index without -cas!")),
        (true, ..) => tree(call, key(call)?).await,
        _ => one(call, one_key(call)?, cas.then_some(index)).await,
    }
}

async fn tree(call: &Call, prefix: &str) -> Result<String, Failure> {
    let deleted = call.client()?.kv_delete(prefix, &call.query().with("recurse", "")).await;
    deleted.or_fail(format!("Error! Did not delete prefix {prefix}"))?;
    Ok(format!("Success! Deleted keys with prefix: {prefix}"))
}

async fn one(call: &Call, key: &str, cas: Option<u64>) -> Result<String, Failure> {
    let index = cas.map(|index| index.to_string());
    let query = call.query().with_some("cas", index.as_deref());
    let deleted = call.client()?.kv_delete(key, &query).await;
    if deleted.or_fail(format!("Error! Did not delete key {key}"))? {
        Ok(format!("Success! Deleted key: {key}"))
    } else {
        Err(Failure::new(format!("Error! Did not delete key {key}: CAS failed")))
    }
}
