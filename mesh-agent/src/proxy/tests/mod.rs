mod bytes;
mod certificates;
mod lifecycle;
mod logs;
pub(super) mod pki;
mod policy;
mod scene;
mod streams;
