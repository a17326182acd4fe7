mod bytes;
mod certificates;
mod lifecycle;
mod logs;
mod pki;
mod policy;
mod scene;
mod streams;
