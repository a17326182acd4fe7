use super::route::Route;
use super::v1::{
    authorize, ca, catalog, catalog_write, health, intention_exact, intention_query, intentions, status,
};
use crate::acl::{Access, Resource};

/// Gives an `async fn(Call)` the type that the table holds.
macro_rules! to {
    ($handler:path) => {
        |call| Box::pin($handler(call))
    };
}

const NODES: Access = Access::Filtered(Resource::Node);
const SERVICES: Access = Access::Filtered(Resource::Service);
const INTENTIONS: Access = Access::Filtered(Resource::Intention);

/// Every endpoint, with what it needs of its caller's token.
pub static ROUTES: &[Route] = &[
    Route::get("/v1/status/leader", Access::None, to!(status::leader)),
    Route::get("/v1/status/peers", Access::None, to!(status::peers)),
    // The catalog.
    Route::put("/v1/catalog/register", Access::NODE_WRITE, to!(catalog_write::register)),
    Route::put("/v1/catalog/deregister", Access::NODE_WRITE, to!(catalog_write::deregister)),
    Route::get("/v1/catalog/datacenters", Access::None, to!(catalog::datacenters)),
    Route::get("/v1/catalog/nodes", NODES, to!(catalog::nodes)),
    Route::get("/v1/catalog/services", SERVICES, to!(catalog::services)),
    Route::get("/v1/catalog/service/", SERVICES, to!(catalog::service)),
    Route::get("/v1/catalog/connect/", SERVICES, to!(catalog::connect)),
    Route::get("/v1/catalog/node/", NODES, to!(catalog::node)),
    Route::get("/v1/catalog/node-services/", NODES, to!(catalog::node_services)),
    // Health.
    Route::get("/v1/health/node/", NODES, to!(health::node)),
    Route::get("/v1/health/checks/", SERVICES, to!(health::checks)),
    Route::get("/v1/health/service/", SERVICES, to!(health::service)),
    Route::get("/v1/health/connect/", SERVICES, to!(health::connect)),
    Route::get("/v1/health/state/", NODES, to!(health::state)),
    // Intentions.
    Route::get("/v1/connect/intentions", INTENTIONS, to!(intentions::list)),
    Route::post("/v1/connect/intentions", Access::INTENTION_WRITE, to!(intentions::create)),
    Route::get("/v1/connect/intentions/", INTENTIONS, to!(intentions::read)),
    Route::put("/v1/connect/intentions/", Access::INTENTION_WRITE, to!(intentions::update)),
    Route::delete("/v1/connect/intentions/", Access::INTENTION_WRITE, to!(intentions::delete)),
    Route::get("/v1/connect/intentions/match", INTENTIONS, to!(intention_query::matching)),
    Route::get("/v1/connect/intentions/check", Access::INTENTION_READ, to!(intention_query::check)),
    Route::get("/v1/connect/intentions/exact", INTENTIONS, to!(intention_exact::read)),
    Route::put("/v1/connect/intentions/exact", Access::INTENTION_WRITE, to!(intention_exact::put)),
    Route::delete("/v1/connect/intentions/exact", Access::INTENTION_WRITE, to!(intention_exact::delete)),
    // The certificate authority.
    Route::get("/v1/connect/ca/roots", Access::None, to!(ca::roots)),
    Route::get("/v1/connect/ca/configuration", Access::OPERATOR_READ, to!(ca::configuration)),
    Route::get("/v1/agent/connect/ca/roots", Access::None, to!(ca::agent_roots)),
    Route::post("/v1/agent/connect/authorize", Access::SERVICE_WRITE, to!(authorize::authorize)),
];
