use super::btf::Btf;
use super::error::KernelError;
use aya::EbpfLoader;
use std::fs::File;
use std::io::Read;

/// Where this kernel keeps what came past TCP and was not read yet: offsets in bytes, none of them 0.
///
/// The programs need it to use a credit again, and the kernel does not promise it: each kernel is asked for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queue {
    redirected: u32,
    user_data: u32,
    ingress: u32,
}

const OWN_TYPES: &str = "/sys/kernel/btf/vmlinux";
/// Those of today's kernels take 5 to 10 MB.
const LIMIT: u64 = 64 << 20;

impl Queue {
    /// As the running kernel says.
    ///
    /// # Errors
    /// It does not say, or its structures have another shape.
    pub fn of_this_kernel() -> Result<Self, KernelError> {
        let mut types = Vec::new();
        let read = File::open(OWN_TYPES).and_then(|file| file.take(LIMIT).read_to_end(&mut types));
        read.map_err(|error| KernelError::file("reading the kernel's own types from", OWN_TYPES, error))?;
        Self::of(&Btf::parse(&types)?)
    }

    fn of(types: &Btf<'_>) -> Result<Self, KernelError> {
        Ok(Self {
            redirected: types.offset("sk_msg", "sk_redir")?,
            user_data: types.offset("sock", "sk_user_data")?,
            ingress: types.offset("sk_psock", "ingress_msg")?,
        })
    }

    /// Programs that do not ask for it are not told.
    pub fn tell<'a>(&'a self, loader: &mut EbpfLoader<'a>) {
        loader.override_global("REDIRECTED", &self.redirected, false);
        loader.override_global("USER_DATA", &self.user_data, false);
        loader.override_global("INGRESS", &self.ingress, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_with_types_says_where_its_queues_are() {
        if !std::path::Path::new(OWN_TYPES).exists() {
            return mesh_tests::skip(
                "a_kernel_with_types_says_where_its_queues_are",
                "the kernel has no BTF",
            );
        }
        let queue = Queue::of_this_kernel().unwrap();
        for offset in [queue.redirected, queue.user_data, queue.ingress] {
            assert!(offset > 0 && offset < 4_096 && offset.is_multiple_of(8), "{queue:?}");
        }
    }
}
