mod bytes;
mod captured;
mod certificates;
mod lifecycle;
mod logs;
pub(super) mod pki;
mod policy;
pub(super) mod scene;
mod streams;
