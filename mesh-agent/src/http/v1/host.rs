use crate::http::answer::Answered;
use crate::http::call::Call;
use serde_json::{Value, json};
use std::fs;

/// What the kernel says of the host that this agent runs on.
pub async fn show(call: Call) -> Answered {
    let now = call.deps.clock.now();
    call.json_answer(&json!({
        "Memory": memory(),
        "CPU": cpus(),
        "Host": host(now.seconds()),
        "CollectionTime": now.millis().saturating_mul(1_000_000),
        "Errors": null,
    }))
}

/// Files of `/proc` are made when they are read and never wait for a disk.
fn proc(path: &str) -> String {
    fs::read_to_string(format!("/proc/{path}")).unwrap_or_default()
}

fn memory() -> Value {
    let info = proc("meminfo");
    let bytes = |key: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let kib: u64 = line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        kib * 1024
    };
    let (total, available) = (bytes("MemTotal"), bytes("MemAvailable"));
    json!({
        "total": total,
        "available": available,
        "used": total.saturating_sub(available),
        "free": bytes("MemFree"),
    })
}

fn cpus() -> Vec<Value> {
    let info = proc("cpuinfo");
    let value = |line: &str| line.split_once(':').map(|(_, value)| value.trim().to_owned());
    let models = info.lines().filter(|line| line.starts_with("model name")).filter_map(value);
    models.enumerate().map(|(number, model)| json!({"cpu": number, "modelName": model})).collect()
}

fn host(now: u64) -> Value {
    let uptime = proc("uptime");
    let uptime = uptime.split('.').next().and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or(0);
    json!({
        "hostname": proc("sys/kernel/hostname").trim(),
        "uptime": uptime,
        "bootTime": now.saturating_sub(uptime),
        "os": std::env::consts::OS,
        "kernelVersion": proc("sys/kernel/osrelease").trim(),
        "kernelArch": std::env::consts::ARCH,
    })
}
