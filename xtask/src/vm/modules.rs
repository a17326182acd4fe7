use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a machine gets, where its kernel has it as modules: they are loaded at its start.
pub const WANTED: [&str; 26] = [
    "tls",
    "gcm",
    "ctr", // What gcm is made of is found by name, where no module for the processor brings all of it.
    "aes_generic",
    "ghash_generic",
    "seqiv",
    "chacha", // As it is called from Linux 6.16 on.
    "chacha_generic",
    "poly1305_generic",
    "aesni_intel",
    "ghash_clmulni_intel",
    "chacha20poly1305",
    "virtio_pci",
    "virtio_net",
    "virtio_blk",
    "ext4",
    "veth",
    "bridge",
    "dummy",
    "sch_netem",
    "sch_fq",
    "nf_tables",
    "tcp_diag",
    "udp_diag",
    "af_packet",
    "libcrc32c",
];

/// The modules of an unpacked kernel. Packages bring no index of them, so each is asked what it needs.
pub struct Modules {
    folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

impl Modules {
    /// Of the one version below `kernel`.
    pub fn of(kernel: &Path) -> Result<Self> {
        let places =
            ["lib/modules", "usr/lib/modules", "usr/lib/uml/modules"].map(|place| kernel.join(place));
        let versions = places.iter().flat_map(|place| fs::read_dir(place).into_iter().flatten().flatten());
        let folder = versions.map(|entry| entry.path()).find(|path| path.join("kernel").is_dir());
        let folder = folder.with_context(|| format!("there are no modules below {}", kernel.display()))?;
        let mut files = BTreeMap::new();
        find(&folder.join("kernel"), &mut files)?;
        Ok(Self { folder, files })
    }

    pub fn version(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Names and contents of these modules and all that they need, in the order in which they can be loaded.
    /// What is not a module of this kernel is built in, or the kernel goes without.
    pub fn load_order(&self, wanted: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut order = Vec::new();
        wanted.iter().try_for_each(|name| self.load(name, &mut order))?;
        Ok(order)
    }

    fn load(&self, name: &str, order: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
        let Some(file) = self.files.get(name) else { return Ok(()) };
        if order.iter().any(|(loaded, _)| loaded == name) {
            return Ok(());
        }
        let content = content(file)?;
        needs(&content).iter().try_for_each(|needed| self.load(needed, order))?;
        order.push((name.to_owned(), content));
        Ok(())
    }
}

fn find(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if let Some(name) = module_name(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

/// `tls.ko.xz` is `tls`; the kernel writes a dash as an underscore.
fn module_name(file: &Path) -> Option<String> {
    let (name, _) = file.file_name()?.to_str()?.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

/// A module says in its own `.modinfo`, between zero bytes: `depends=gcm,crypto-null`.
fn needs(module: &[u8]) -> Vec<String> {
    let said = module.split(|byte| *byte == 0).find_map(|text| text.strip_prefix(b"depends="));
    let names = String::from_utf8_lossy(said.unwrap_or_default()).into_owned();
    names.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

fn content(file: &Path) -> Result<Vec<u8>> {
    let program = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => return fs::read(file).with_context(|| format!("reading {}", file.display())),
    };
    let output = Command::new(program).arg("-dc").arg(file).output();
    let output = output.with_context(|| format!("starting {program}, which unpacks modules: install it"))?;
    if !output.status.success() {
        bail!("{program} cannot unpack {}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_needs_is_loaded_before_it() {
        let kernel = std::env::temp_dir().join(format!("xtask-modules-{}", std::process::id()));
        let folder = kernel.join("lib/modules/6.1/kernel/net");
        fs::create_dir_all(&folder).unwrap();
        let modules = [("tls", "core,base-part"), ("core", "base-part"), ("base-part", "")];
        for (name, needs) in modules {
            let text = format!("\x7fELF\0license=GPL\0depends={needs}\0intree=Y\0");
            fs::write(folder.join(format!("{name}.ko")), text).unwrap();
        }
        let modules = Modules::of(&kernel).unwrap();
        assert_eq!(modules.version(), "6.1");
        let order = modules.load_order(&["tls", "core", "absent"]).unwrap();
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["base_part", "core", "tls"]);
        fs::remove_dir_all(kernel).unwrap();
    }
}
