use super::config::RuntimeConfig;
use super::ports::ApiDesk;
use crate::exec::{Executor, MOST_WAITING};
use crate::http::{Deps, Inside};
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Carries out what `mesh exec` orders, where the configuration wants that.
pub(super) fn start(config: &RuntimeConfig, deps: &Deps, tasks: &mut TaskGroup, shutdown: &Shutdown) {
    if !config.remote_exec {
        return;
    }
    tracing::warn!(
        "disable_remote_exec = false: whoever may write values and fire events runs commands here"
    );
    let (orders, ordered) = mpsc::channel(MOST_WAITING);
    deps.events.log.take_orders(orders);
    let desk = Arc::new(ApiDesk(Inside::new(deps)));
    let executor = Executor::new(desk, config.node.name.to_string(), ordered);
    tasks.spawn("remote commands", executor.run(shutdown.clone()));
}
