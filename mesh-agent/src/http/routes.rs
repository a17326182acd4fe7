use super::route::Route;
use super::ui;
use super::v1::{
    agent_checks, agent_control, agent_health, agent_self, agent_services, authorize, autopilot, ca, catalog,
    catalog_write, coordinate, dns, event, health, host, intention_exact, intention_query, intentions,
    internal_ui, keyring, kv, leaf, members, metrics, monitor, prepared_query, proxy_config, query_failover,
    raft, service_write, session, snapshot, status, txn,
};
use crate::acl::{Access, Level, Resource};

/// Gives an `async fn(Call)` the type that the table holds.
macro_rules! to {
    ($handler:path) => {
        |call| Box::pin($handler(call))
    };
}

const NODES: Access = Access::Filtered(Resource::Node);
const SERVICES: Access = Access::Filtered(Resource::Service);
const EVENTS: Access = Access::Filtered(Resource::Event);
/// What fits into one packet with its envelope.
const EVENT_PAYLOAD: usize = 512;
const QUERIES: Access = Access::Filtered(Resource::Query);
const KEYS: Access = Access::Filtered(Resource::Key);
const SESSIONS: Access = Access::Filtered(Resource::Session);
/// Each operation asks for its own.
const TXN: Access = Access::NeedsOneOf(&[
    (Resource::Key, Level::Read),
    (Resource::Node, Level::Read),
    (Resource::Service, Level::Read),
]);
const INTENTIONS: Access = Access::Filtered(Resource::Intention);

/// Every endpoint, with what it needs of its caller's token.
pub static ROUTES: &[Route] = &[
    Route::get("/ui/", Access::None, to!(ui::file)),
    Route::get("/v1/status/leader", Access::None, to!(status::leader)),
    Route::get("/v1/snapshot", Access::OPERATOR_WRITE, to!(snapshot::save)).at_servers(),
    Route::put("/v1/snapshot", Access::OPERATOR_WRITE, to!(snapshot::restore))
        .body_limit(snapshot::MOST)
        .at_servers(),
    Route::get("/v1/status/peers", Access::None, to!(status::peers)),
    // The catalog.
    Route::put("/v1/catalog/register", Access::NODE_WRITE, to!(catalog_write::register)),
    Route::put("/v1/catalog/deregister", Access::NODE_WRITE, to!(catalog_write::deregister)),
    Route::get("/v1/catalog/datacenters", Access::None, to!(catalog::datacenters)).at_servers(),
    Route::get("/v1/catalog/nodes", NODES, to!(catalog::nodes)).sorting(),
    Route::get("/v1/catalog/services", SERVICES, to!(catalog::services)),
    Route::get("/v1/catalog/service/", SERVICES, to!(catalog::service)).sorting(),
    Route::get("/v1/catalog/connect/", SERVICES, to!(catalog::connect)).sorting(),
    Route::get("/v1/catalog/node/", NODES, to!(catalog::node)),
    Route::get("/v1/catalog/node-services/", NODES, to!(catalog::node_services)),
    // Health.
    Route::get("/v1/health/node/", NODES, to!(health::node)),
    Route::get("/v1/health/checks/", SERVICES, to!(health::checks)).sorting(),
    Route::get("/v1/health/service/", SERVICES, to!(health::service)).sorting(),
    Route::get("/v1/health/connect/", SERVICES, to!(health::connect)).sorting(),
    Route::get("/v1/health/state/", NODES, to!(health::state)).sorting(),
    // Intentions.
    Route::get("/v1/connect/intentions", INTENTIONS, to!(intentions::list)),
    Route::post("/v1/connect/intentions", Access::INTENTION_WRITE, to!(intentions::create)).at_primary(),
    Route::get("/v1/connect/intentions/", INTENTIONS, to!(intentions::read)),
    Route::put("/v1/connect/intentions/", Access::INTENTION_WRITE, to!(intentions::update)).at_primary(),
    Route::delete("/v1/connect/intentions/", Access::INTENTION_WRITE, to!(intentions::delete)).at_primary(),
    Route::get("/v1/connect/intentions/match", INTENTIONS, to!(intention_query::matching)),
    Route::get("/v1/connect/intentions/check", Access::INTENTION_READ, to!(intention_query::check)),
    Route::get("/v1/connect/intentions/exact", INTENTIONS, to!(intention_exact::read)),
    Route::put("/v1/connect/intentions/exact", Access::INTENTION_WRITE, to!(intention_exact::put))
        .at_primary(),
    Route::delete("/v1/connect/intentions/exact", Access::INTENTION_WRITE, to!(intention_exact::delete))
        .at_primary(),
    // The certificate authority.
    Route::get("/v1/connect/ca/roots", Access::None, to!(ca::roots)),
    Route::get("/v1/connect/ca/configuration", Access::OPERATOR_READ, to!(ca::configuration)),
    Route::put("/v1/connect/ca/configuration", Access::OPERATOR_WRITE, to!(ca::configure)).at_primary(),
    Route::get("/v1/agent/connect/ca/roots", Access::None, to!(ca::agent_roots)),
    Route::get("/v1/agent/connect/ca/leaf/", Access::SERVICE_WRITE, to!(leaf::leaf)),
    Route::get("/v1/agent/connect/proxy/", Access::SERVICE_WRITE, to!(proxy_config::show)),
    Route::post("/v1/agent/connect/authorize", Access::SERVICE_WRITE, to!(authorize::authorize)),
    // This agent.
    Route::get("/v1/agent/self", Access::AGENT_READ, to!(agent_self::show)),
    Route::get("/v1/agent/version", Access::AGENT_READ, to!(agent_self::version)),
    Route::get("/v1/agent/host", Access::OPERATOR_READ, to!(host::show)),
    Route::get("/v1/agent/metrics", Access::AGENT_READ, to!(metrics::show)),
    Route::get("/v1/agent/monitor", Access::AGENT_READ, to!(monitor::follow)).streaming(),
    Route::get("/v1/agent/members", NODES, to!(members::list)),
    Route::put("/v1/agent/join/", Access::AGENT_WRITE, to!(members::join)),
    Route::put("/v1/agent/force-leave/", Access::OPERATOR_WRITE, to!(members::force_leave)),
    Route::put("/v1/agent/reload", Access::AGENT_WRITE, to!(agent_control::reload)),
    Route::put("/v1/agent/leave", Access::AGENT_WRITE, to!(agent_control::leave)),
    Route::put("/v1/agent/maintenance", Access::NODE_WRITE, to!(agent_control::maintenance)),
    Route::put("/v1/agent/token/", Access::AGENT_WRITE, to!(agent_control::token)),
    // The keys that members seal with.
    Route::get("/v1/operator/raft/configuration", Access::OPERATOR_READ, to!(raft::configuration))
        .at_servers(),
    Route::delete("/v1/operator/raft/peer", Access::OPERATOR_WRITE, to!(raft::remove)).at_leader(),
    Route::post("/v1/operator/raft/transfer-leader", Access::OPERATOR_WRITE, to!(raft::transfer)).at_leader(),
    Route::get("/v1/operator/autopilot/configuration", Access::OPERATOR_READ, to!(autopilot::configuration))
        .at_servers(),
    Route::put("/v1/operator/autopilot/configuration", Access::OPERATOR_WRITE, to!(autopilot::configure))
        .at_servers(),
    Route::get("/v1/operator/autopilot/health", Access::OPERATOR_READ, to!(autopilot::health)).at_leader(),
    Route::get("/v1/operator/keyring", Access::KEYRING_READ, to!(keyring::list)).at_servers(),
    Route::post("/v1/operator/keyring", Access::KEYRING_WRITE, to!(keyring::install)).at_servers(),
    Route::put("/v1/operator/keyring", Access::KEYRING_WRITE, to!(keyring::choose)).at_servers(),
    Route::delete("/v1/operator/keyring", Access::KEYRING_WRITE, to!(keyring::remove))
        .body_limit(4096)
        .at_servers(),
    // Its services and checks.
    Route::get("/v1/agent/services", SERVICES, to!(agent_services::list)),
    Route::get("/v1/agent/service/", SERVICES, to!(agent_services::one)),
    Route::put("/v1/agent/service/register", Access::SERVICE_WRITE, to!(service_write::register)),
    Route::put("/v1/agent/service/deregister/", Access::SERVICE_WRITE, to!(service_write::deregister)),
    Route::put("/v1/agent/service/maintenance/", Access::SERVICE_WRITE, to!(service_write::maintenance)),
    Route::get("/v1/agent/checks", NODES, to!(agent_checks::list)),
    Route::put("/v1/agent/check/register", Access::CHECK_WRITE, to!(agent_checks::register)),
    Route::put("/v1/agent/check/deregister/", Access::CHECK_WRITE, to!(agent_checks::deregister)),
    Route::put("/v1/agent/check/pass/", Access::CHECK_WRITE, to!(agent_checks::pass)),
    Route::put("/v1/agent/check/warn/", Access::CHECK_WRITE, to!(agent_checks::warn)),
    Route::put("/v1/agent/check/fail/", Access::CHECK_WRITE, to!(agent_checks::fail)),
    Route::put("/v1/agent/check/update/", Access::CHECK_WRITE, to!(agent_checks::update)),
    Route::get("/v1/agent/health/service/id/", SERVICES, to!(agent_health::by_id)),
    Route::get("/v1/agent/health/service/name/", SERVICES, to!(agent_health::by_name)),
    // Coordinates.
    Route::get("/v1/coordinate/datacenters", Access::None, to!(coordinate::datacenters)).at_servers(),
    Route::get("/v1/coordinate/nodes", NODES, to!(coordinate::nodes)).at_servers(),
    Route::get("/v1/coordinate/node/", NODES, to!(coordinate::node)).at_servers(),
    Route::put("/v1/coordinate/update", Access::NODE_WRITE, to!(coordinate::update)),
    // Stored values, sessions and transactions.
    Route::get("/v1/kv/", KEYS, to!(kv::read)).at_servers(),
    Route::put("/v1/kv/", Access::KEY_WRITE, to!(kv::put)).at_servers(),
    Route::delete("/v1/kv/", Access::KEY_WRITE, to!(kv::delete)).at_servers(),
    Route::put("/v1/txn", TXN, to!(txn::transact)).at_servers(),
    Route::put("/v1/session/create", Access::SESSION_WRITE, to!(session::create)),
    Route::put("/v1/session/destroy/", Access::SESSION_WRITE, to!(session::destroy)).at_servers(),
    Route::put("/v1/session/renew/", Access::SESSION_WRITE, to!(session::renew)).at_leader(),
    Route::get("/v1/session/info/", SESSIONS, to!(session::info)).at_servers(),
    Route::get("/v1/session/node/", SESSIONS, to!(session::node)).at_servers(),
    Route::get("/v1/session/list", SESSIONS, to!(session::list)).at_servers(),
    // Prepared queries.
    Route::get("/v1/query", QUERIES, to!(prepared_query::list)).at_servers(),
    Route::post("/v1/query", Access::QUERY_WRITE, to!(prepared_query::create)).at_servers(),
    Route::get("/v1/query/", QUERIES, to!(prepared_query::read)).at_servers(),
    Route::put("/v1/query/", Access::QUERY_WRITE, to!(prepared_query::update)).at_servers(),
    Route::delete("/v1/query/", Access::QUERY_WRITE, to!(prepared_query::delete)).at_servers(),
    Route::post("/v1/internal/query", QUERIES, to!(query_failover::execute)).at_servers(),
    // User events.
    Route::put("/v1/event/fire/", Access::EVENT_WRITE, to!(event::fire)).body_limit(EVENT_PAYLOAD),
    Route::get("/v1/event/list", EVENTS, to!(event::list)),
    // Names, for other datacenters.
    Route::post("/v1/internal/dns", Access::SERVICE_READ, to!(dns::answer)).body_limit(dns::MOST),
    // What the UI reads.
    Route::get("/v1/internal/ui/nodes", NODES, to!(internal_ui::nodes)),
    Route::get("/v1/internal/ui/node/", NODES, to!(internal_ui::node)),
    Route::get("/v1/internal/ui/services", SERVICES, to!(internal_ui::services)),
];
