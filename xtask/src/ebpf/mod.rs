//! The kernel programs' object: built where a toolchain for them exists, and kept in the tree, so that
//! everybody else needs none.

mod compile;
mod linker;
mod prebuilt;
#[path = "../../../mesh-ebpf/sources.rs"]
mod sources;
mod toolchain;

use crate::{packages, shell};
use anyhow::{Context, Result, bail};
use linker::Linker;
use prebuilt::{Made, Prebuilt};
use std::path::PathBuf;
use toolchain::Toolchain;

/// Builds the object anew where its sources have moved on. Without a toolchain it says what to install,
/// and leaves the object as it is.
pub fn refresh() -> Result<()> {
    let sources = hash()?;
    let made = Prebuilt::read().map(|kept| kept.made).ok();
    if made.as_ref().is_some_and(|made| made.sources == sources) {
        return Ok(());
    }
    let before = made.map(|made| made.tools).unwrap_or_default();
    let Some(toolchain) = Toolchain::find(&before) else {
        shell::announce(&format!(
            "the prebuilt kernel programs are NOT those of the sources: {}",
            toolchain::RECIPES
        ));
        return Ok(());
    };
    let object = compile::compile(&toolchain, &[])?;
    Prebuilt { object, made: Made { sources, tools: toolchain.describe()? } }.write()
}

/// Builds an object whose programs tell what they decide, beside what cargo builds. It is of no use where nobody looks
/// for a mistake: each record costs a connect as much as all else.
///
/// # Errors
/// There is no toolchain for it, or it failed.
pub fn with_log() -> Result<PathBuf> {
    let before = Prebuilt::read().map(|kept| kept.made.tools).unwrap_or_default();
    let Some(toolchain) = Toolchain::find(&before) else { bail!("{}", toolchain::RECIPES) };
    let object = compile::compile(&toolchain, &["--features", "log"])?;
    let file = shell::target().join("ebpf-log.o");
    std::fs::write(&file, object).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// Installs what building the object takes, on a machine of CI. Elsewhere nothing happens: who needs it says
/// what to install.
///
/// # Errors
/// apt or cargo failed on a CI machine.
pub fn ensure_tools() -> Result<()> {
    packages::ensure_ebpf().context("installing the compiler of the kernel programs")?;
    Linker::ensure().context("installing the linker of the kernel programs")
}

/// Proves that the object in the tree was made of these sources, as it says of itself. It needs no tools.
///
/// # Errors
/// The sources have moved on.
pub fn is_of_the_sources() -> Result<()> {
    of_the_sources().map(drop)
}

fn of_the_sources() -> Result<Prebuilt> {
    let kept = Prebuilt::read()?;
    if kept.made.sources == hash()? {
        return Ok(kept);
    }
    bail!(
        "the prebuilt kernel programs are not those of the sources: run `cargo xtask build`, commit the object"
    );
}

/// Proves that the object in the tree is that of the sources: by their hash, and byte for byte where the
/// tools are those that it was made with.
pub fn check() -> Result<()> {
    let kept = of_the_sources()?;
    let Some(toolchain) = Toolchain::find(&kept.made.tools) else {
        shell::announce(&format!(
            "SKIPPED: comparing the kernel programs byte for byte, which cannot be built here: {}",
            toolchain::RECIPES
        ));
        return Ok(());
    };
    let tools = toolchain.describe()?;
    if tools != kept.made.tools {
        shell::announce(&format!(
            "SKIPPED: comparing the kernel programs byte for byte. They were made with {}; here is {tools}",
            kept.made.tools
        ));
        return Ok(());
    }
    if compile::compile(&toolchain, &[])? != kept.object {
        bail!("the prebuilt kernel programs differ from what their sources give: run `cargo xtask build`");
    }
    println!("the prebuilt kernel programs are those of the sources, byte for byte");
    Ok(())
}

fn hash() -> Result<String> {
    sources::hash(&shell::root()).context("reading the sources of the kernel programs")
}
