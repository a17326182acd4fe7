use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::http::read::cache_hit;
use crate::model::CaRoot;
use crate::state::GetCa;
use crate::wire;
use http::header;

/// The trusted roots, as JSON or, with `?pem=true`, as one PEM file.
pub async fn roots(call: Call) -> Answered {
    let pem = call.parameters.flag("pem")?;
    let reply = call.read(&GetCa).await?;
    if pem {
        let file = Answer::text(pem_file(&reply.value.roots));
        return Ok(call.read_headers(&reply, file.with(header::CONTENT_TYPE, PEM)));
    }
    call.read_answer(&reply.map(|ca| wire::CaRoots::from(ca.roots.as_slice())), None)
}

const PEM: &str = "application/pem-certificate-chain";

fn pem_file(roots: &[CaRoot]) -> String {
    roots.iter().map(|root| format!("{}\n", root.root_cert_pem.trim_end())).collect()
}

/// The same from the agent, which keeps them current.
pub async fn agent_roots(call: Call) -> Answered {
    roots(call).await.map(cache_hit)
}

/// How leaves are signed. No private key is in it, whoever asks.
pub async fn configuration(call: Call) -> Answered {
    let reply = call.read(&GetCa).await?;
    let config = call.deps.ca.configuration()?;
    call.read_answer(&reply.map(|_| wire::CaConfiguration::from(&config)), None)
}

/// Another key or root in it makes a rotation.
pub async fn configure(call: Call) -> Answered {
    let wanted: wire::CaConfiguration = call.json()?;
    call.deps.ca.configure(&wanted.provider, &wanted.config).await?;
    Ok(Answer::empty())
}
