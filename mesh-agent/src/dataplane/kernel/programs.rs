use aya::programs::{Program, ProgramError};

/// A program of the object, and the hook that it hangs on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    pub(super) program: &'static str,
    /// As the kernel's `enum bpf_attach_type` numbers it.
    pub(super) attach_type: u32,
}

/// In the order of attaching: what redirects comes last, when all that a redirected connection needs is
/// in place.
pub(super) const HOOKS: [Hook; 11] = [
    Hook { program: "mesh_create", attach_type: 2 },
    Hook { program: "mesh_sockops", attach_type: 3 },
    Hook { program: "mesh_getsockopt", attach_type: 21 },
    Hook { program: "mesh_getpeername4", attach_type: 29 },
    Hook { program: "mesh_getpeername6", attach_type: 30 },
    Hook { program: "mesh_recvmsg4", attach_type: 19 },
    Hook { program: "mesh_recvmsg6", attach_type: 20 },
    Hook { program: "mesh_sendmsg4", attach_type: 14 },
    Hook { program: "mesh_sendmsg6", attach_type: 15 },
    Hook { program: "mesh_connect4", attach_type: 10 },
    Hook { program: "mesh_connect6", attach_type: 11 },
];

/// Looks at every packet that arrives, so it hangs there only while a service is strict.
pub(super) const STRICT: Hook = Hook { program: "mesh_strict", attach_type: 0 };

/// Hangs on the map of sockets.
pub(super) const SK_MSG: Hook = Hook { program: "mesh_skmsg", attach_type: 7 };

/// Has the kernel verify and keep the program, once.
pub(super) fn load(program: &mut Program) -> Result<(), ProgramError> {
    match program {
        Program::CgroupSkb(program) => program.load(),
        Program::CgroupSock(program) => program.load(),
        Program::CgroupSockAddr(program) => program.load(),
        Program::CgroupSockopt(program) => program.load(),
        Program::SkMsg(program) => program.load(),
        Program::SockOps(program) => program.load(),
        _ => Err(ProgramError::UnexpectedProgramType),
    }
}
