/// The kernel programs, built from `mesh-ebpf`; the agent's build script says which file.
pub(super) static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("MESH_EBPF_OBJ"));
