//! The kernels that tests run on, and where they come from.

use super::programs::Program;

/// One kernel of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kernel {
    /// Debian 11's: without kernel TLS, and too old for the kernel programs
    #[value(name = "5.10")]
    V5_10,
    /// Ubuntu 22.04's: the oldest that the kernel programs run on
    #[value(name = "5.15")]
    V5_15,
    /// Debian 12's
    #[value(name = "6.1")]
    V6_1,
    /// Debian 13's
    #[value(name = "6.12")]
    V6_12,
    /// What Debian's unstable has
    Newest,
    /// Debian 12's as a process of this machine: up in a second without QEMU; it bars the kernel programs
    Uml,
    /// Each of them
    All,
}

/// Where packages come from.
pub struct Suite {
    pub name: &'static str,
    /// Lines of a `sources.list`, without type and options.
    pub sources: &'static [&'static str],
    pub keyring: Keyring,
    /// Options beside the key: what is unstable may stand still, but its signature is checked all the same.
    pub options: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keyring {
    Debian,
    Ubuntu,
}

const fn debian(name: &'static str, sources: &'static [&'static str]) -> Suite {
    Suite { name, sources, keyring: Keyring::Debian, options: "" }
}

pub const BULLSEYE: Suite = debian(
    "bullseye",
    &[
        "http://deb.debian.org/debian bullseye main",
        "http://deb.debian.org/debian-security bullseye-security main",
    ],
);
pub const TRIXIE: Suite = debian("trixie", &["http://deb.debian.org/debian trixie main"]);
const JAMMY: Suite = Suite {
    name: "jammy",
    sources: &[
        "http://archive.ubuntu.com/ubuntu jammy main",
        "http://archive.ubuntu.com/ubuntu jammy-updates main",
    ],
    keyring: Keyring::Ubuntu,
    options: "",
};
const SID: Suite = Suite {
    name: "sid",
    sources: &["http://deb.debian.org/debian sid main"],
    keyring: Keyring::Debian,
    options: " check-valid-until=no",
};

/// Tools for the machines that are no kernels.
pub const BOOKWORM: Suite = debian("bookworm", &["http://deb.debian.org/debian bookworm main"]);

impl Kernel {
    const EACH: [Self; 6] = [Self::V5_10, Self::V5_15, Self::V6_1, Self::V6_12, Self::Newest, Self::Uml];

    /// `All` stands for each.
    pub fn expand(self) -> Vec<Self> {
        if self == Self::All { Self::EACH.to_vec() } else { vec![self] }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::V5_10 => "5.10",
            Self::V5_15 => "5.15",
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::Newest => "newest",
            Self::Uml => "uml",
            Self::All => "all",
        }
    }

    pub fn suite(self) -> Suite {
        match self {
            Self::V5_10 => BULLSEYE,
            Self::V5_15 => JAMMY,
            Self::V6_1 | Self::Uml => BOOKWORM,
            Self::V6_12 | Self::All => TRIXIE,
            Self::Newest => SID,
        }
    }

    /// The package whose dependencies lead to the kernel.
    pub fn package(self) -> &'static str {
        match self {
            Self::Uml => "user-mode-linux",
            Self::V5_15 => "linux-image-virtual",
            _ => "linux-image-cloud-amd64",
        }
    }

    /// Whether that program must run on it: a test that says it cannot is then a failure.
    pub fn must_run(self, program: Program) -> bool {
        match program {
            Program::Kernel => !matches!(self, Self::V5_10 | Self::Uml),
            Program::Proxy | Program::Peers => self != Self::V5_10, // It has no TLS.
            Program::E2e => false,
        }
    }

    /// Why the kernel cannot run that program at all.
    pub fn bars(self, program: Program) -> Option<&'static str> {
        let barred = self == Self::Uml && program == Program::Kernel;
        barred
            .then_some("User-Mode Linux refuses kernel programs that read across word boundaries, as ours do")
    }
}
