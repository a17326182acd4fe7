use super::authorize::AgentAuthorizer;
use super::followers::Followers;
use super::listeners::{Common, Listeners};
use super::registration::Registration;
use super::settings::{Settings, row};
use crate::cli::call::Call;
use crate::cli::client::{AgentService, Client, Intention};
use crate::cli::failure::{Failure, OrFail};
use crate::model::Datacenter;
use crate::proxy::{Engine, EngineOptions, KernelTls, Ktls};
use crate::task::{Shutdown, TaskGroup};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Where a proxy's settings come from.
enum Source {
    Flags,
    /// The registration of this id.
    Agent {
        id: String,
    },
}

/// A proxy that runs, and what keeps it current.
struct Running {
    tasks: TaskGroup,
    shutdown: Shutdown,
    listeners: Listeners,
    engine: Engine,
    intentions: watch::Receiver<Option<Vec<Intention>>>,
    /// Where a registration is the source.
    registration: Option<watch::Receiver<Option<AgentService>>>,
}

pub(super) async fn proxy(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    println!("==> {} Connect proxy starting...", call.program.title());
    let client = call.client()?;
    let (source, settings) = configure(call, &client).await.or_fail("==> Error preparing configuration")?;
    start_log(call)?;
    println!("\n==> Log data will now stream in as it occurs:\n");
    let mut running = start(call, &client, &source, &settings).await?;
    running.until_interrupted().await?;
    println!("==> {} Connect proxy shutdown", call.program.title());
    running.shutdown.begin();
    drop(running.listeners);
    running.tasks.finish().await;
    Ok(String::new())
}

/// Reads the settings, and shows them.
async fn configure(call: &Call, client: &Client) -> Result<(Source, Settings), String> {
    let flags = &call.matches;
    let sidecar_for = flags.value("sidecar-for").or(call.environment.raw("CONNECT_SIDECAR_FOR"));
    let proxy_id = flags.value("proxy-id").or(call.environment.raw("CONNECT_PROXY_ID"));
    let id = match (sidecar_for, proxy_id) {
        (Some(service), _) => sidecar_of(client, service).await?,
        (None, Some(id)) => id.to_owned(),
        (None, None) => {
            let settings = Settings::from_flags(flags).map_err(|error| error.to_string())?;
            print!("{}{}", row("Configuration mode", "Flags"), settings.rows());
            return Ok((Source::Flags, settings));
        }
    };
    print!("{}", row("Configuration mode", "Agent API"));
    sidecar_for.iter().for_each(|service| print!("{}", row("Sidecar for ID", service)));
    print!("{}", row("Proxy ID", &id));
    let found = client.agent_service(&id, None).await.map_err(|error| error.to_string())?;
    let settings = Settings::from_registration(&found.value).map_err(|error| error.to_string())?;
    Ok((Source::Agent { id }, settings))
}

/// The one proxy that is registered as the sidecar of a service instance.
async fn sidecar_of(client: &Client, service: &str) -> Result<String, String> {
    let services = client.agent_services().await.map_err(|error| error.to_string())?;
    let is_its = |found: &&AgentService| {
        let destination = found.proxy.as_ref().map(|proxy| proxy.destination_service_id.as_str());
        found.kind == "connect-proxy" && destination == Some(service)
    };
    let found: Vec<&AgentService> = services.values().filter(is_its).collect();
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(format!("No sidecar proxy registered for {service}")),
        several => {
            let ids: Vec<&str> = several.iter().map(|found| found.id.as_str()).collect();
            Err(format!(
                "More than one sidecar proxy registered for {service}: name one by -proxy-id: {}",
                ids.join(", ")
            ))
        }
    }
}

fn start_log(call: &Call) -> Result<(), Failure> {
    let level = call.matches.value("log-level").unwrap_or("info").to_ascii_lowercase();
    let level = if level == "err" { "error" } else { &level };
    let known = ["trace", "debug", "info", "warn", "error"];
    if !known.contains(&level) {
        return Err(Failure::new(format!(
            "unknown log level {level:?}: want trace, debug, info, warn or err"
        )));
    }
    let log = tracing_subscriber::fmt().with_env_filter(format!("mesh_agent={level}")).with_ansi(false);
    let started = if call.matches.is_on("log-json") { log.json().try_init() } else { log.try_init() };
    started.or_fail("cannot start the log")
}

async fn start(
    call: &Call,
    client: &Client,
    source: &Source,
    settings: &Settings,
) -> Result<Running, Failure> {
    let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
    let datacenter = datacenter(client).await?;
    let ktls = kernel_tls(call)?;
    let engine = Engine::start(EngineOptions { ktls, ..EngineOptions::default() }).map_err(Failure::new)?;
    tasks.spawn("engine", engine.clone().run(shutdown.clone()));
    let mut followers =
        Followers { client, service: &settings.service, tasks: &mut tasks, shutdown: &shutdown };
    let identity = followers.identity();
    let intentions = followers.intentions();
    let registration = match source {
        Source::Flags => None,
        Source::Agent { id } => Some(followers.registration(id.clone())),
    };
    let (authorizer, authorize) = AgentAuthorizer::new(client.clone());
    tasks.spawn("authorizer", authorizer.run(shutdown.clone()));
    let service = settings.service.clone();
    let common =
        Common { engine: engine.clone(), client: client.clone(), service, datacenter, identity, authorize };
    let mut listeners = Listeners::new(common, shutdown.clone());
    listeners.apply(settings).map_err(Failure::new)?;
    register(call, client, settings, &mut tasks, &shutdown).await?;
    Ok(Running { tasks, shutdown, listeners, engine, intentions, registration })
}

/// What the kernel is to do of TLS; what came of the trial is said once.
fn kernel_tls(call: &Call) -> Result<Option<KernelTls>, Failure> {
    let text = call.matches.value("ktls").unwrap_or("auto");
    let wish = Ktls::parse(text)
        .ok_or_else(|| Failure::new(format!("-ktls: found {text:?}, want auto, off or on")))?;
    match KernelTls::find(wish) {
        Err(error) if wish == Ktls::On => Err(Failure::new(format!("-ktls=on: {error}"))),
        Err(error) => {
            tracing::info!(reason = %error, "the proxy encrypts connections between nodes itself");
            Ok(None)
        }
        Ok(kernel) => {
            tracing::info!(how = kernel.told(), "the kernel can encrypt connections between nodes");
            Ok(Some(kernel))
        }
    }
}

impl Running {
    /// Applies changes until a signal asks for the end.
    async fn until_interrupted(&mut self) -> Result<(), Failure> {
        let mut interrupt = signal(SignalKind::interrupt()).or_fail("cannot wait for signals")?;
        let mut terminate = signal(SignalKind::terminate()).or_fail("cannot wait for signals")?;
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                Ok(()) = self.intentions.changed() => self.engine.connections().recheck(),
                found = changed(&mut self.registration) => self.reconfigure(&found),
            }
        }
    }

    /// A registration that cannot be used changes nothing.
    fn reconfigure(&mut self, found: &AgentService) {
        match Settings::from_registration(found) {
            Err(error) => {
                tracing::error!(%error, "the proxy's registration cannot be used; nothing is changed");
            }
            Ok(settings) => {
                if let Err(error) = self.listeners.apply(&settings) {
                    tracing::error!(%error, "the proxy's registration is applied in part");
                }
            }
        }
    }
}

/// The next registration, if there is one to come.
async fn changed(registration: &mut Option<watch::Receiver<Option<AgentService>>>) -> AgentService {
    if let Some(feed) = registration {
        while feed.changed().await.is_ok() {
            if let Some(found) = feed.borrow_and_update().clone() {
                return found;
            }
        }
    }
    std::future::pending().await
}

async fn datacenter(client: &Client) -> Result<Datacenter, Failure> {
    let found = client.agent_self().await.or_fail("Error asking the agent for its datacenter")?;
    let name = found.config.get("Datacenter").and_then(Value::as_str).unwrap_or_default();
    Datacenter::new(name).or_fail("Error asking the agent for its datacenter")
}

async fn register(
    call: &Call,
    client: &Client,
    settings: &Settings,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Result<(), Failure> {
    let Some(public) = settings.public.as_ref().filter(|_| call.matches.is_on("register")) else {
        return Ok(());
    };
    let registration = Registration::new(client.clone(), settings, public, call.matches.value("register-id"));
    registration.register().await.or_fail("Error registering the proxy")?;
    tasks.spawn("registration", registration.run(shutdown.clone()));
    Ok(())
}
