use super::bpf;
use super::cut::Cutter;
use super::error::KernelError;
use super::facts::{Facts, ProgramFacts};
use super::maps::{Maps, NAMES};
use super::object::OBJECT;
use super::pins::Pins;
use super::programs::{self, HOOKS, Hook, SK_MSG, STRICT};
use super::queue::Queue;
use super::records::Records;
use super::socket::cgroup_id;
use super::trial::{Doubt, Trial};
use aya::maps::SockHash;
use aya::programs::{Program, ProgramFd, ProgramInfo};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel};
use mesh_common::{Counter, Pair};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The programs, attached to a cgroup and all below it, and their maps.
///
/// All of it is pinned: it stays when this value is dropped or the process dies, and the next attachment
/// with the same pins takes it over. [`Pins::detach`] is what removes it.
pub struct Attachment {
    ebpf: Ebpf,
    maps: Maps,
    pins: Pins,
    cgroup: PathBuf,
    /// Why it is not seen what was read of what went past TCP, where it is not.
    reads_unseen: Option<KernelError>,
}

impl Attachment {
    /// Loads the programs and puts them on the cgroup: in the place of their predecessors, between one
    /// connection and the next, where the pins hold some.
    ///
    /// # Errors
    /// The kernel refused, or something is not permitted. Programs that were attached before stay.
    pub fn attach(cgroup: &Path, pins: &Pins) -> Result<Self, KernelError> {
        Self::attach_object(None, cgroup, pins)
    }

    /// As [`Self::attach`], with the programs of that file in the place of the agent's own.
    ///
    /// # Errors
    /// Also where the file cannot be read, or holds other programs and maps.
    pub fn attach_object(object: Option<&Path>, cgroup: &Path, pins: &Pins) -> Result<Self, KernelError> {
        pins.prepare()?;
        let (mut ebpf, reads_unseen) = match object {
            Some(file) => {
                let read = fs::read(file).map_err(|e| KernelError::file("reading programs from", file, e))?;
                load_all(&read, pins)?
            }
            None => load_all(OBJECT, pins)?,
        };
        hang_on_sockets(&mut ebpf)?;
        for hook in HOOKS {
            hang(&mut ebpf, hook, cgroup, pins)?;
        }
        if pins.link(STRICT.program).exists() {
            hang(&mut ebpf, STRICT, cgroup, pins)?;
        }
        pins.drop_other_layouts()?;
        let maps = Maps::take(&mut ebpf)?;
        Ok(Self { ebpf, maps, pins: pins.clone(), cgroup: cgroup.to_path_buf(), reads_unseen })
    }

    #[must_use]
    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    pub fn maps_mut(&mut self) -> &mut Maps {
        &mut self.maps
    }

    /// Whether packets are looked at on behalf of strict services. It costs every packet a little, so it is
    /// off while no service is strict.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn guard_strict(&mut self, on: bool) -> Result<(), KernelError> {
        if on {
            return hang(&mut self.ebpf, STRICT, &self.cgroup, &self.pins);
        }
        unhang(&self.pins.link(STRICT.program))
    }

    /// Why nobody sees what was read of what went past TCP, where this kernel does not show it: a credit is for a
    /// connection's life then.
    #[must_use]
    pub fn reads_unseen(&self) -> Option<&KernelError> {
        self.reads_unseen.as_ref()
    }

    /// What the programs tell, where they were built for that; once.
    pub fn take_records(&mut self) -> Option<Records> {
        let records = Records::take(&mut self.ebpf)?;
        records.inspect_err(|error| tracing::warn!(%error, "the kernel programs are not heard")).ok()
    }

    /// Ends the open connections between a process and its server that `forbidden` says, and counts them. Who
    /// has forbidden something calls it twice: a connect that was let through a moment ago may be overlooked.
    ///
    /// # Errors
    /// The kernel refused. Some of them may have been ended.
    pub fn cut(&mut self, forbidden: &dyn Fn(Pair) -> bool) -> Result<u64, KernelError> {
        let ended = Cutter::open(&self.pins)?.cut(forbidden)?;
        if ended > 0 {
            self.maps.add(Counter::Cut, ended)?;
        }
        Ok(ended)
    }

    /// Tries between sockets of this process whether messages that go past TCP arrive as by TCP.
    ///
    /// # Errors
    /// What went wrong: nobody should be accelerated here.
    pub fn try_acceleration(&mut self) -> Result<(), Doubt> {
        let name = "sockets";
        let map = self.ebpf.map_mut(name).ok_or(KernelError::Missing { what: "map", name })?;
        let sockets = SockHash::try_from(map).map_err(|e| KernelError::map(name, "opening", e))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Trial { sockets, maps: &mut self.maps, listener }.run()
    }

    /// What the kernel says of the programs and maps.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn facts(&self) -> Result<Facts, KernelError> {
        let hooks = HOOKS.into_iter().chain([STRICT]);
        let mut programs: Vec<_> =
            hooks.map(|hook| self.program_facts(hook, self.pins.link(hook.program).exists())).collect();
        programs.push(self.program_facts(SK_MSG, true));
        Ok(Facts { programs, maps: self.maps.fill()? })
    }

    fn program_facts(&self, hook: Hook, attached: bool) -> ProgramFacts {
        let info = self.ebpf.program(hook.program).and_then(|program| program.info().ok());
        let verified_instructions = info.as_ref().and_then(ProgramInfo::verified_instruction_count);
        let (runs, run_time) = info.map_or_else(Default::default, |info| (info.run_count(), info.run_time()));
        ProgramFacts { name: hook.program, verified_instructions, attached, runs, run_time }
    }
}

/// Has the programs look into the kernel's queues, where the kernel says where they are and lets them; a locked kernel
/// does not. Else without, and says why.
fn load_all(object: &[u8], pins: &Pins) -> Result<(Ebpf, Option<KernelError>), KernelError> {
    let why = match Queue::of_this_kernel() {
        Ok(queue) => match load(object, pins, Some(&queue)) {
            Err(refused) if matches!(refused, KernelError::Verify { program, .. } if program == SK_MSG.program) => {
                refused
            }
            loaded => return Ok((loaded?, None)),
        },
        Err(error) => error,
    };
    Ok((load(object, pins, None)?, Some(why)))
}

/// Opens the maps that the pins hold, makes those they do not, and has every program verified.
fn load(object: &[u8], pins: &Pins, queue: Option<&Queue>) -> Result<Ebpf, KernelError> {
    let folder = pins.maps();
    let mut loader = EbpfLoader::new();
    loader.verifier_log_level(VerifierLogLevel::STATS);
    if let Some(queue) = queue {
        queue.tell(&mut loader);
    }
    for name in NAMES {
        loader.map_pin_path(name, folder.join(name));
    }
    let mut ebpf = loader.load(object).map_err(|source| KernelError::Load { source: Box::new(source) })?;
    for hook in [SK_MSG, STRICT].into_iter().chain(HOOKS) {
        let loaded = programs::load(program(&mut ebpf, hook.program)?);
        loaded.map_err(|source| KernelError::Verify { program: hook.program, source: Box::new(source) })?;
    }
    Ok(ebpf)
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut Program, KernelError> {
    ebpf.program_mut(name).ok_or(KernelError::Missing { what: "program", name })
}

fn descriptor(ebpf: &mut Ebpf, hook: Hook) -> Result<&ProgramFd, KernelError> {
    let found = program(ebpf, hook.program)?.fd();
    found.map_err(|source| KernelError::Verify { program: hook.program, source: Box::new(source) })
}

/// The map keeps the program for as long as it lives itself, so it needs no link.
fn hang_on_sockets(ebpf: &mut Ebpf) -> Result<(), KernelError> {
    let name = "sockets";
    let map = ebpf.map(name).ok_or(KernelError::Missing { what: "map", name })?;
    let map = aya::maps::SockHash::<_, mesh_common::Tuple>::try_from(map);
    let map = map.and_then(|map| map.fd().try_clone().map_err(Into::into));
    let map = map.map_err(|source| KernelError::map(name, "opening", source))?;
    let program = descriptor(ebpf, SK_MSG)?;
    bpf::attach_to_map(program.as_fd(), map.as_fd(), SK_MSG.attach_type)
        .map_err(|source| KernelError::attach(SK_MSG.program, source))
}

/// Puts the program into the pinned link, where that hangs on this cgroup; else makes and pins a link.
fn hang(ebpf: &mut Ebpf, hook: Hook, cgroup: &Path, pins: &Pins) -> Result<(), KernelError> {
    let pin = pins.link(hook.program);
    let program = descriptor(ebpf, hook)?;
    let failed = |source| KernelError::attach(hook.program, source);
    let id = cgroup_id(cgroup).map_err(|e| KernelError::file("reading the cgroup", cgroup, e))?;
    if let Ok(link) = bpf::open_pin(&pin) {
        if bpf::cgroup_of_link(link.as_fd()).map_err(failed)? == id {
            return bpf::update_link(link.as_fd(), program.as_fd()).map_err(failed);
        }
        unhang(&pin)?;
    }
    let folder = File::open(cgroup).map_err(|e| KernelError::file("opening the cgroup", cgroup, e))?;
    let link = bpf::create_link(program.as_fd(), folder.as_fd(), hook.attach_type).map_err(failed)?;
    bpf::pin(link.as_fd(), &pin).map_err(failed)
}

/// Removing the last pin of a link takes its program off the hook.
fn unhang(pin: &Path) -> Result<(), KernelError> {
    match fs::remove_file(pin) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KernelError::file("removing", pin, error))
        }
        _ => Ok(()),
    }
}
