use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use std::io;
use std::path::PathBuf;

/// Why the kernel programs could not be attached, fed or taken away.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    #[error("the kernel refused the maps or types of the kernel programs: {}; see `dmesg`", chain(source))]
    Load {
        #[source]
        source: Box<EbpfError>,
    },
    #[error("the kernel's verifier refused program {program}: {}; report it with this text", chain(source))]
    Verify {
        program: &'static str,
        #[source]
        source: Box<ProgramError>,
    },
    #[error("the kernel's own types (BTF) cannot be used: {found}; what needs them is left out")]
    Btf { found: &'static str },
    #[error("the object of the kernel programs has no {what} {name:?}: it was built from other sources")]
    Missing { what: &'static str, name: &'static str },
    #[error("program {program} could not be attached: {source}; {remedy}")]
    Attach {
        program: &'static str,
        remedy: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{attempt} {path:?} failed: {source}")]
    File {
        attempt: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{attempt} failed: {source}")]
    Sockets {
        attempt: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{attempt} the kernel's map {map} failed: {}", chain(source))]
    Map {
        map: &'static str,
        attempt: &'static str,
        #[source]
        source: Box<MapError>,
    },
}

impl KernelError {
    pub(super) fn file(attempt: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { attempt, path: path.into(), source }
    }

    pub(super) fn map(map: &'static str, attempt: &'static str, source: MapError) -> Self {
        Self::Map { map, attempt, source: Box::new(source) }
    }

    pub(super) fn attach(program: &'static str, source: io::Error) -> Self {
        let remedy = match source.raw_os_error() {
            Some(libc::EPERM) => {
                "grant CAP_BPF and CAP_NET_ADMIN, and see that nobody holds the cgroup exclusively"
            }
            Some(libc::E2BIG) => "too many programs hang on this cgroup: detach others",
            _ => "see `mesh dataplane status`",
        };
        Self::Attach { program, remedy, source }
    }
}

/// The library keeps the reason in the sources of its errors.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
