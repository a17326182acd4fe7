//! Programs that tell what they decide, which are built for this test.

use crate::lab::{Lab, VIRTUAL};
use mesh_agent::dataplane::News;
use mesh_common::Action;
use mesh_tests::skip;
use mesh_tests::wait::here;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps what is logged by the programs.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

struct Text<'t>(&'t mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            *self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "mesh_ebpf"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().push(text);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Where there is no compiler for the kernel, why.
fn programs_that_tell() -> Result<PathBuf, String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut build = Command::new(std::env::var_os("CARGO").ok_or("cargo does not run this")?);
    let output = build.args(["xtask", "build", "--log"]).current_dir(root).output();
    let output = output.map_err(|error| error.to_string())?;
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let file = told.lines().last().filter(|_| output.status.success()).map(PathBuf::from);
    file.ok_or_else(|| failed.lines().last().unwrap_or("it does not build").to_owned())
}

#[test]
fn what_programs_tell_that_were_built_for_it_arrives_in_the_log() {
    let test = "what_programs_tell_that_were_built_for_it_arrives_in_the_log";
    let Some(mut lab) = Lab::build(test) else { return };
    let object = match programs_that_tell() {
        Ok(object) => object,
        Err(reason) => return skip(test, &reason),
    };
    assert!(lab.attachment.as_mut().unwrap().take_records().is_none(), "the agent's own tell nothing");
    lab.replace(&object);
    lab.speak(Action::Allow, 0, 0);
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);

    let kept = Kept::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(kept.clone(), || {
        runtime.block_on(async {
            let mut records = lab.attachment.as_mut().unwrap().take_records().expect("they tell");
            assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} 1 64 1")), "1");
            tokio::time::timeout(here(Duration::from_secs(10)), records.next())
                .await
                .expect("a record arrives");
        });
    });
    let told = kept.0.lock().unwrap();
    let wanted = format!("connects to {VIRTUAL}: counter 2");
    assert!(told.iter().any(|line| line.starts_with("process ") && line.ends_with(&wanted)), "{told:?}");
}
