//! The page of one agent: three files that are built into the binary, and that read `/v1` like anybody else.

use super::ApiError;
use super::answer::{Answer, Answered};
use super::call::Call;
use http::header;

/// Only what the binary itself serves may run, and no other site may frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

struct File {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
}

const FILES: [File; 3] = [
    File { name: "", media_type: "text/html; charset=utf-8", text: include_str!("index.html") },
    File { name: "mesh.css", media_type: "text/css; charset=utf-8", text: include_str!("mesh.css") },
    File { name: "mesh.js", media_type: "text/javascript; charset=utf-8", text: include_str!("mesh.js") },
];

/// The page's address is also that of all its tabs.
pub async fn file(call: Call) -> Answered {
    let found = FILES.iter().find(|file| file.name == call.name).filter(|_| call.deps.settings.ui);
    let file = found.ok_or_else(|| ApiError::not_found("404 page not found"))?;
    Ok(Answer::text(file.text)
        .with(header::CONTENT_TYPE, file.media_type)
        .with(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
        .with(header::CACHE_CONTROL, "no-cache"))
}
