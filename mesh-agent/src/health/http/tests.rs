use super::super::testing::{self, TlsServer, free_port};
use super::*;
use crate::model::CheckStatus;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn spec(url: &str) -> HttpSpec<'_> {
    static NONE: BTreeMap<String, Vec<String>> = BTreeMap::new();
    HttpSpec {
        url,
        method: "",
        headers: &NONE,
        body: "",
        tls_server_name: "",
        tls_skip_verify: false,
        output_max_size: 64,
    }
}

fn stranger() -> CheckTls {
    CheckTls::new(rustls::RootCertStore::empty())
}

fn prober(spec: &HttpSpec<'_>) -> Result<HttpProber, CheckRefused> {
    HttpProber::new(&testing::id("c"), spec, &stranger())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// Reads a request's head, and its body where `Content-Length` announces one.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            break;
        }
        text.push(byte[0]);
        if let Some(end) = text.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|l| l.lines().next()?.parse().ok());
            if text.len() == end + 4 + length.unwrap_or(0usize) {
                break;
            }
        }
    }
    String::from_utf8(text).unwrap()
}

/// Answers one request with `answer`, then holds the connection open; gives the request back.
async fn answer_once(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let request = read_request(&mut stream).await;
    stream.write_all(answer).await.unwrap();
    request
}

async fn local() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health?deep=1", listener.local_addr().unwrap());
    (listener, url)
}

async fn probe_against(answer: &str) -> ProbeResult {
    let (listener, url) = local().await;
    let prober = prober(&spec(&url)).unwrap();
    let server = async { answer_once(listener.accept().await.unwrap().0, answer.as_bytes()).await };
    tokio::join!(prober.probe(soon()), server).0
}

#[tokio::test]
async fn the_status_line_decides() {
    let table = [
        ("200 OK", CheckStatus::Passing),
        ("204 No Content", CheckStatus::Passing),
        ("299 Fine", CheckStatus::Passing),
        ("429 Too Many Requests", CheckStatus::Warning),
        ("301 Moved Permanently", CheckStatus::Critical),
        ("304 Not Modified", CheckStatus::Critical),
        ("404 Not Found", CheckStatus::Critical),
        ("500 Internal Server Error", CheckStatus::Critical),
    ];
    for (line, status) in table {
        let answer = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
        let result = probe_against(&answer).await;
        assert_eq!(result.status, status, "{line}: {}", result.output);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, _) = local().await;
    let location = elsewhere.local_addr().unwrap();
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: http://{location}/\r\nContent-Length: 0\r\n\r\n");
    let result = probe_against(&answer).await;
    assert_eq!(result.status, CheckStatus::Critical);
    assert!(result.output.contains("302 Found"), "{}", result.output);
    let visited = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
    assert!(visited.is_err(), "the redirect was followed");
}

#[tokio::test]
async fn the_request_is_what_the_check_says() {
    let (listener, url) = local().await;
    let headers = BTreeMap::from([
        ("Host".to_owned(), vec!["web.example".to_owned()]),
        ("x-two".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
    ]);
    let spec = HttpSpec { method: "POST", headers: &headers, body: "are you well", ..spec(&url) };
    let prober = prober(&spec).unwrap();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        answer_once(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell").await
    };
    let (result, request) = tokio::join!(prober.probe(soon()), server);
    assert!(request.starts_with("POST /health?deep=1 HTTP/1.1\r\n"), "{request}");
    let request = request.to_lowercase();
    for line in ["\r\nhost: web.example\r\n", "\r\nx-two: 1\r\n", "\r\nx-two: 2\r\n", "\r\nare you well"] {
        assert!(request.contains(line), "{line:?} is not in {request}");
    }
    assert_eq!(request.matches("\r\nhost:").count(), 1);
    assert_eq!(result, ProbeResult::passing(format!("HTTP POST {url}: 200 OK Output: well")));
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap() {
    let (listener, url) = local().await;
    let prober = prober(&spec(&url)).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    };
    let (result, ()) = tokio::join!(prober.probe(soon()), server);
    assert_eq!(result.status, CheckStatus::Passing);
    assert_eq!(result.output.matches('x').count(), 64);
}

#[tokio::test]
async fn a_body_that_never_ends_costs_no_more_than_the_timeout() {
    let (listener, url) = local().await;
    let prober = prober(&spec(&url)).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nslow").await.unwrap();
        std::future::pending::<()>().await;
    };
    let deadline = Instant::now() + Duration::from_millis(100);
    let result = carry(server, prober.probe(deadline)).await;
    assert_eq!(result.status, CheckStatus::Passing);
    assert!(result.output.ends_with("Output: slow"), "{}", result.output);
}

#[tokio::test]
async fn silence_garbage_and_nobody_there_are_critical() {
    let (listener, url) = local().await;
    let silent = prober(&spec(&url)).unwrap();
    let result = silent.probe(Instant::now() + Duration::from_millis(50)).await;
    assert_eq!((result.status, result.output.contains("timed out")), (CheckStatus::Critical, true));
    drop(listener);

    let garbage = probe_against("SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    assert_eq!(garbage.status, CheckStatus::Critical);

    let nobody = format!("http://127.0.0.1:{}/", free_port());
    let result = prober(&spec(&nobody)).unwrap().probe(soon()).await;
    assert_eq!((result.status, result.output.contains("refused")), (CheckStatus::Critical, true));
}

#[tokio::test]
async fn a_header_that_never_ends_is_critical() {
    let (listener, url) = local().await;
    let prober = prober(&spec(&url)).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await.unwrap();
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    };
    let (result, ()) = tokio::join!(prober.probe(soon()), server);
    assert_eq!(result.status, CheckStatus::Critical);
}

#[tokio::test]
async fn https_verifies_the_name_it_was_told_to() {
    let server = TlsServer::bind(&[b"http/1.1"]).await;
    let by_name = format!("https://localhost:{}/", server.port());
    let by_address = format!("https://127.0.0.1:{}/", server.port());
    let (known, stranger) = (server.client(), stranger());
    let table = [
        (&by_name, "", false, &known, true),
        (&by_address, "", false, &known, false),
        (&by_address, "localhost", false, &known, true),
        (&by_name, "other.example", false, &known, false),
        (&by_name, "", false, &stranger, false),
        (&by_address, "", true, &stranger, true),
    ];
    for (url, tls_server_name, tls_skip_verify, tls, passes) in table {
        let spec = HttpSpec { tls_server_name, tls_skip_verify, ..spec(url) };
        let prober = HttpProber::new(&testing::id("c"), &spec, tls).unwrap();
        let serve = async {
            if let Some(stream) = server.accept().await {
                answer_once(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            }
        };
        let (result, ()) = tokio::join!(prober.probe(soon()), serve);
        assert_eq!(
            result.status == CheckStatus::Passing,
            passes,
            "{url} {tls_server_name}: {}",
            result.output
        );
    }
}

#[test]
fn what_is_not_a_plain_web_request_is_refused() {
    for url in [
        "file:///etc/shadow",
        "ftp://host/",
        "unix:/run/x.sock",
        "gopher://host/",
        "/relative",
        "",
        "http://",
        "http://host:0/",
        "http://user:secret@host/",
    ] {
        assert!(matches!(prober(&spec(url)), Err(CheckRefused::Url { .. })), "{url}");
    }
    let bad_method = HttpSpec { method: "GET /x HTTP/1.1\r\nEvil: 1", ..spec("http://h/") };
    assert!(matches!(prober(&bad_method), Err(CheckRefused::Request { .. })));
    for (name, value) in [("a b", "x"), ("x", "1\r\nEvil: 1"), ("", "x")] {
        let headers = BTreeMap::from([(name.to_owned(), vec![value.to_owned()])]);
        let bad_header = HttpSpec { headers: &headers, ..spec("http://h/") };
        assert!(matches!(prober(&bad_header), Err(CheckRefused::Request { .. })), "{name:?}");
    }
    let bad_name = HttpSpec { tls_server_name: "a b", ..spec("https://h/") };
    assert!(matches!(prober(&bad_name), Err(CheckRefused::TlsName { .. })));
}
