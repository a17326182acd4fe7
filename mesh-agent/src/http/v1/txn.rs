use crate::acl::Access;
use crate::catalog::{CatalogError, ReadOptions};
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::state::{
    KvRead, KvReadVerb, KvVerb, KvWrite, ReadTxn, Refusal, RowVerb, TxnError, TxnOperation, TxnResult,
};
use crate::wire::{self, TxnAnswer, TxnCheck, TxnKv, TxnNode, TxnRow, TxnService, TxnServiceRow};
use http::StatusCode;

/// The most operations in one transaction.
const OPERATIONS: usize = 64;

/// All operations or none; with a conflict, why.
pub async fn transact(call: Call) -> Answered {
    let wanted: Vec<wire::TxnOperation> = call.json()?;
    if wanted.len() > OPERATIONS {
        return Err(ApiError::TooManyOperations { found: wanted.len(), limit: OPERATIONS });
    }
    let operations = wanted.into_iter().map(|one| operation(&call, one)).collect::<Result<Vec<_>, _>>()?;
    match run(&call, operations).await {
        Ok(results) => {
            let results = results.iter().filter(|row| sees(&call, row)).map(row).collect();
            call.json_answer(&TxnAnswer { results: Some(results), errors: None })
        }
        Err(CatalogError::Refused(Refusal::RolledBack { errors })) => conflict(&call, &errors),
        Err(error) => Err(error.into()),
    }
}

/// What only reads needs no agreement.
async fn run(call: &Call, operations: Vec<TxnOperation>) -> Result<Vec<TxnResult>, CatalogError> {
    if operations.iter().any(TxnOperation::writes) {
        return call.deps.catalog.transact(operations).await;
    }
    let options = ReadOptions { consistency: call.options.consistency, ..ReadOptions::default() };
    let reply = call.deps.catalog.read(&ReadTxn(operations), &options).await?;
    Ok(reply.value?)
}

fn conflict(call: &Call, errors: &[TxnError]) -> Answered {
    let shown = errors.iter().map(|e| wire::TxnError { op_index: e.operation, what: e.what.to_string() });
    let answer = TxnAnswer { results: None, errors: Some(shown.collect()) };
    Ok(Answer::json(&answer, call.options.pretty)?.status(StatusCode::CONFLICT))
}

fn operation(call: &Call, wanted: wire::TxnOperation) -> Result<TxnOperation, ApiError> {
    match wanted {
        wire::TxnOperation { kv: Some(kv), node: None, service: None, check: None } => key(call, &kv),
        wire::TxnOperation { kv: None, node: Some(one), service: None, check: None } => node(call, one),
        wire::TxnOperation { kv: None, node: None, service: Some(one), check: None } => service(call, one),
        wire::TxnOperation { kv: None, node: None, service: None, check: Some(one) } => check(call, one),
        _ => Err(ApiError::bad_request(
            "each operation of a transaction is exactly one of KV, Node, Service and Check",
        )),
    }
}

fn key(call: &Call, kv: &TxnKv) -> Result<TxnOperation, ApiError> {
    let read = read_verb(kv)?;
    call.enforce(if read.is_some() { Access::KEY_READ } else { Access::KEY_WRITE }, &kv.key)?;
    let key = kv.key.as_str().into();
    Ok(match read {
        Some(verb) => TxnOperation::KvRead(KvRead { key, verb }),
        None => TxnOperation::KvWrite(KvWrite { key, verb: write_verb(kv)? }),
    })
}

fn read_verb(kv: &TxnKv) -> Result<Option<KvReadVerb>, ApiError> {
    Ok(Some(match kv.verb.as_str() {
        "get" => KvReadVerb::Get,
        "get-tree" => KvReadVerb::GetTree,
        "check-index" => KvReadVerb::CheckIndex { index: kv.index },
        "check-session" => KvReadVerb::CheckSession { session: kv.session()? },
        "check-not-exists" => KvReadVerb::CheckNotExists,
        _ => return Ok(None),
    }))
}

fn write_verb(kv: &TxnKv) -> Result<KvVerb, ApiError> {
    let (value, flags, index) = (kv.value()?, kv.flags, kv.index);
    Ok(match kv.verb.as_str() {
        "set" => KvVerb::Set { value, flags },
        "cas" => KvVerb::Cas { value, flags, index },
        "lock" => KvVerb::Lock { value, flags, session: kv.session()? },
        "unlock" => KvVerb::Unlock { value, flags, session: kv.session()? },
        "delete" => KvVerb::Delete,
        "delete-cas" => KvVerb::DeleteCas { index },
        "delete-tree" => KvVerb::DeleteTree,
        other => return Err(ApiError::bad_request(format!("unknown KV verb {other:?}"))),
    })
}

fn row_verb(text: &str) -> Result<RowVerb, ApiError> {
    Ok(match text {
        "get" => RowVerb::Get,
        "set" => RowVerb::Set,
        "cas" => RowVerb::Cas,
        "delete" => RowVerb::Delete,
        "delete-cas" => RowVerb::DeleteCas,
        other => return Err(ApiError::bad_request(format!("unknown verb {other:?}"))),
    })
}

fn node(call: &Call, wanted: TxnNode) -> Result<TxnOperation, ApiError> {
    let verb = row_verb(&wanted.verb)?;
    let row = wanted.row(&call.deps.facts.datacenter)?;
    let access = if verb == RowVerb::Get { Access::NODE_READ } else { Access::NODE_WRITE };
    call.enforce(access, row.name.as_str())?;
    Ok(TxnOperation::Node(verb, Box::new(row)))
}

fn service(call: &Call, wanted: TxnService) -> Result<TxnOperation, ApiError> {
    let verb = row_verb(&wanted.verb)?;
    let (node, row) = wanted.row()?;
    if verb != RowVerb::Get {
        call.enforce(Access::SERVICE_WRITE, row.name.as_str())?;
        if let Some(before) = call.deps.catalog.state().service(&node, &row.id) {
            call.enforce(Access::SERVICE_WRITE, before.name.as_str())?;
        }
    }
    Ok(TxnOperation::Service(verb, node, Box::new(row)))
}

fn check(call: &Call, wanted: TxnCheck) -> Result<TxnOperation, ApiError> {
    let verb = row_verb(&wanted.verb)?;
    let row = wanted.row()?;
    if verb != RowVerb::Get {
        call.enforce(Access::NODE_WRITE, row.node.as_str())?;
    }
    Ok(TxnOperation::Check(verb, Box::new(row)))
}

/// Writing is refused as a whole; of what is read, the caller gets what it may see.
fn sees(call: &Call, result: &TxnResult) -> bool {
    match result {
        TxnResult::Kv(entry) => call.enforce(Access::KEY_READ, &entry.key).is_ok(),
        TxnResult::Node(node) => call.sees_node(&node.name),
        TxnResult::Service(_, service) => call.sees_service(&service.name),
        TxnResult::Check(check) => call.sees_check(check),
    }
}

fn row(result: &TxnResult) -> TxnRow {
    match result {
        TxnResult::Kv(entry) => TxnRow::Kv(wire::KvPair::from(&**entry)),
        TxnResult::Node(node) => TxnRow::Node(wire::Node::from(&**node)),
        TxnResult::Service(node, service) => TxnRow::Service(Box::new(TxnServiceRow {
            node: node.to_string(),
            service: wire::Service::from(&**service),
        })),
        TxnResult::Check(check) => TxnRow::Check(wire::HealthCheck::from(&**check)),
    }
}
