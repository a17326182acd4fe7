//! The calls to the kernel that aya does not make for every kind of link.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const PIN: i32 = 6;
const GET: i32 = 7;
const PROGRAM_ATTACH: i32 = 8;
const INFO_BY_FD: i32 = 15;
const LINK_CREATE: i32 = 28;
const LINK_UPDATE: i32 = 29;

/// `union bpf_attr`, as far as these calls use it: zero beyond what a call names.
type Attributes = [u64; 8];

/// Two neighbouring words of the kernel's structures.
fn pair(first: RawFd, second: u32) -> u64 {
    let first = first.cast_unsigned().to_ne_bytes();
    let second = second.to_ne_bytes();
    let mut both = [0; 8];
    both[..4].copy_from_slice(&first);
    both[4..].copy_from_slice(&second);
    u64::from_ne_bytes(both)
}

fn call(command: i32, attributes: &mut Attributes) -> io::Result<i32> {
    // SAFETY: the attributes are as large as said, and outlive the call; what they point to does so too,
    // which each caller in this file sees to.
    let found =
        unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size_of::<Attributes>()) };
    if found < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(i32::try_from(found).expect("the kernel gives descriptors and zero"))
}

/// Hangs a program on a cgroup. The link holds for as long as a descriptor or a pin of it.
pub(super) fn create_link(
    program: BorrowedFd<'_>,
    cgroup: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<OwnedFd> {
    let mut attributes = Attributes::default();
    attributes[0] = pair(program.as_raw_fd(), cgroup.as_raw_fd().cast_unsigned());
    attributes[1] = u64::from(attach_type); // No flags behind it.
    let link = call(LINK_CREATE, &mut attributes)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(link) })
}

/// Puts another program in a link's place, between one call of the hook and the next.
pub(super) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = Attributes::default();
    attributes[0] = pair(link.as_raw_fd(), program.as_raw_fd().cast_unsigned());
    call(LINK_UPDATE, &mut attributes).map(drop)
}

/// The id of the cgroup that a link hangs on; 0 once that is gone.
pub(super) fn cgroup_of_link(link: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = [0_u64; 16];
    let mut attributes = Attributes::default();
    attributes[0] = pair(link.as_raw_fd(), u32::try_from(size_of_val(&info)).expect("a small number"));
    attributes[1] = info.as_mut_ptr() as u64;
    call(INFO_BY_FD, &mut attributes)?;
    Ok(info[2]) // Behind type, id and program id, which fill two words with their padding.
}

/// Hangs a program on a socket map, for as long as the map lives.
pub(super) fn attach_to_map(
    program: BorrowedFd<'_>,
    map: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    let mut attributes = Attributes::default();
    attributes[0] = pair(map.as_raw_fd(), program.as_raw_fd().cast_unsigned());
    attributes[1] = u64::from(attach_type);
    call(PROGRAM_ATTACH, &mut attributes).map(drop)
}

pub(super) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let mut attributes = Attributes::default();
    attributes[0] = path.as_ptr() as u64;
    attributes[1] = pair(object.as_raw_fd(), 0);
    call(PIN, &mut attributes).map(drop)
}

pub(super) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let mut attributes = Attributes::default();
    attributes[0] = path.as_ptr() as u64;
    let object = call(GET, &mut attributes)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(object) })
}

/// The path as the kernel reads it.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}
