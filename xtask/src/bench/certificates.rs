use crate::shell;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// What peers without a certificate authority of their own are given.
const SERVICES: [&str; 2] = ["client", "echo"];

/// Makes a P-256 root and a leaf for each service: `ca.pem`, `NAME.crt`, `NAME.key`, and both in `NAME.pem`.
///
/// # Errors
/// `openssl` is not there or refuses.
pub fn make(directory: &Path) -> Result<()> {
    if !shell::on_path("openssl") {
        bail!("`openssl` is not installed: apt-get install openssl");
    }
    let tool = Tool(directory);
    tool.key("ca")?;
    tool.run(
        "req -x509 -new -key ca.key -sha256 -days 365 -subj /CN=bench -out ca.pem \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign",
    )?;
    SERVICES.iter().try_for_each(|service| tool.leaf(service))
}

struct Tool<'a>(&'a Path);

impl Tool<'_> {
    fn run(&self, arguments: &str) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(self.0).stdin(Stdio::null());
        let output = command.output().context("starting openssl")?;
        if !output.status.success() {
            bail!("openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    fn key(&self, name: &str) -> Result<()> {
        self.run(&format!("ecparam -name prime256v1 -genkey -noout -out {name}.key"))
    }

    fn leaf(&self, name: &str) -> Result<()> {
        self.key(name)?;
        let extensions = format!(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
             extendedKeyUsage=serverAuth,clientAuth\n\
             subjectAltName=URI:spiffe://bench.consul/ns/default/dc/dc1/svc/{name},DNS:{name}\n"
        );
        std::fs::write(self.0.join("extensions"), extensions)?;
        self.run(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"))?;
        self.run(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 -days 30 \
             -out {name}.crt -extfile extensions"
        ))?;
        let read = |kind: &str| std::fs::read_to_string(self.0.join(format!("{name}.{kind}")));
        std::fs::write(self.0.join(format!("{name}.pem")), read("crt")? + &read("key")?)?;
        Ok(())
    }
}
