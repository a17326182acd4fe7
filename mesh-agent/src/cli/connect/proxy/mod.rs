//! `connect proxy`: the data path as a program of its own, configured by flags or by a registration.
//!
//! It knows the agent's HTTP API only; the bytes are moved by the `proxy` room.

mod authorize;
mod endpoints;
mod follow;
mod followers;
mod identity;
mod listeners;
mod registration;
mod run;
mod settings;

use crate::cli::command::{Action, Api, Command};
use crate::cli::flags::Flag;

pub(in crate::cli) const COMMAND: Command = Command {
    path: "connect proxy",
    synopsis: "Runs a proxy that connects a program to the mesh",
    arguments: "",
    about: "Runs a proxy until it is interrupted. For a program that knows nothing of the mesh it takes local \
            connections to other services and carries them there under mutual TLS, or takes other services' \
            connections and hands them to the program once they are authorized, or both.\n\n\
            Reach the service postgresql as web, on a local port:\n\n      \
            $ mesh connect proxy -service web -upstream postgresql:9191\n\n\
            Let the mesh reach a program on port 8080:\n\n      \
            $ mesh connect proxy -service web -service-addr 127.0.0.1:8080 \\\n          \
            -listen :8443 -register\n\n\
            Do what the registration of a sidecar says:\n\n      $ mesh connect proxy -sidecar-for web",
    flags: &[
        Flag::value(
            "listen",
            "address",
            "Where to take other services' connections; with -service and -service-addr.",
        ),
        Flag::value(
            "ktls",
            "auto|off|on",
            "Whether the kernel encrypts: for connections that carry much where it passes a trial, never, or always.",
        ),
        Flag::switch("log-json", "Log JSON objects, one a line."),
        Flag::value("log-level", "level", "trace, debug, info, warn or err. Default: info."),
        Flag::value("proxy-id", "id", "Do what the agent's registration of this proxy says."),
        Flag::switch(
            "register",
            "Register the proxy with the agent, and deregister it at the end; with -listen.",
        ),
        Flag::value("register-id", "suffix", "An end for the registration's id, to tell proxies apart."),
        Flag::value("service", "name", "The service that the proxy stands for."),
        Flag::value("service-addr", "address", "Where that service listens; with -listen."),
        Flag::value("sidecar-for", "id", "Do what the registration of this service instance's sidecar says."),
        Flag::value(
            "upstream",
            "name:[host:]port",
            "Make a service reachable on a local port. May be given several times, or several joined by commas.",
        ),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(run::proxy(call))),
};
