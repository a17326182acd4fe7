use crate::catalog::fixtures::catalog_over;
use crate::clock::Clock;
use crate::discovery::Prepared;
use crate::dns::{Across, DnsOptions, DnsServer, Unanswered, framing};
use crate::model::{Datacenter, NodeName, NodeService};
use crate::state::{Store, fixtures};
use crate::task::{Shutdown, TaskGroup};
use futures_util::future::BoxFuture;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

fn options() -> DnsOptions {
    DnsOptions::new(Datacenter::new("dc1").unwrap(), NodeName::new("agent").unwrap())
}

/// `web` with so many instances, each with an address of its own, and `outside` at a host name.
fn store(instances: u32) -> Arc<Store> {
    let web = |n: u32| {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
        NodeService { address, ..fixtures::service(&format!("web-{n}"), "web") }
    };
    let outside = NodeService { address: "db.example.com".into(), ..fixtures::service("outside", "outside") };
    let services = (1..=instances).map(web).chain([outside]).collect();
    let store = Arc::new(Store::default());
    store.apply(5, vec![fixtures::register(fixtures::node("agent"), services, Vec::new())]);
    store
}

/// A second datacenter, where everything is at one address; there is no third.
struct Second;

impl Across for Second {
    fn ask(&self, datacenter: Datacenter, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Unanswered>> {
        Box::pin(async move {
            match datacenter.as_str() {
                "dc2" => {
                    let asked = Message::from_vec(&question).unwrap();
                    let mut reply = Message::response(asked.metadata.id, OpCode::Query);
                    let name = asked.queries[0].name().clone();
                    reply.answers.push(Record::from_rdata(name, 0, RData::A(A::new(10, 2, 0, 1))));
                    Ok(reply.to_vec().unwrap())
                }
                "dc3" => Err(Unanswered::NoSuchDatacenter),
                _ => Err(Unanswered::Failed { reason: "it is down".to_owned() }),
            }
        })
    }

    fn execute(&self, query: String) -> BoxFuture<'_, Result<Option<Prepared>, Unanswered>> {
        Box::pin(async move { Err(Unanswered::Failed { reason: format!("nobody is asked for {query}") }) })
    }
}

/// A running server, which stops when it is dropped.
struct Running {
    address: SocketAddr,
    _tasks: TaskGroup,
}

impl Running {
    async fn start(options: DnsOptions, instances: u32) -> Self {
        let catalog = catalog_over(store(instances));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server =
            DnsServer::bind(options, catalog, Clock::System, Arc::new(Second), &[any]).await.unwrap();
        let address = server.addresses().next().unwrap();
        let mut tasks = TaskGroup::new();
        tasks.spawn("dns", server.run(Shutdown::new()));
        Self { address, _tasks: tasks }
    }

    async fn udp(&self, question: &Message) -> Message {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&question.to_vec().unwrap(), self.address).await.unwrap();
        let mut buffer = vec![0; 65_535];
        let size = timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
        Message::from_vec(&buffer[..size]).unwrap()
    }

    async fn tcp(&self, question: &Message) -> Message {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        framing::write(&mut stream, &question.to_vec().unwrap()).await.unwrap();
        let packet = timeout(PATIENCE, framing::read(&mut stream)).await.unwrap().unwrap().unwrap();
        Message::from_vec(&packet).unwrap()
    }
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_str(name).unwrap(), kind));
    message
}

fn with_payload(mut question: Message, payload: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    question.set_edns(edns);
    question
}

#[tokio::test]
async fn udp_and_tcp_answer_on_one_port() {
    let server = Running::start(options(), 2).await;
    let asked = question("web.service.consul.", RecordType::A);
    for answer in [server.udp(&asked).await, server.tcp(&asked).await] {
        assert_eq!((answer.metadata.id, answer.queries.clone()), (asked.metadata.id, asked.queries.clone()));
        assert!(answer.metadata.authoritative && !answer.metadata.truncation);
        assert!(!answer.metadata.recursion_available);
        assert_eq!(answer.answers.len(), 2);
    }
}

#[tokio::test]
async fn what_udp_leaves_out_is_marked_and_tcp_has_it() {
    let server = Running::start(options(), 60).await;
    let asked = question("web.service.consul.", RecordType::SRV);
    let plain = server.udp(&asked).await;
    assert_eq!((plain.answers.len(), plain.metadata.truncation), (3, true));
    assert_eq!(plain.additionals.len(), 3);

    let small = server.udp(&with_payload(asked.clone(), 1232)).await;
    let large = server.udp(&with_payload(asked.clone(), 4096)).await;
    assert!(large.answers.len() > small.answers.len(), "the library's limit holds instead of the client's");
    // Cut by us and not by the encoder: what stays is complete.
    for cut in [small, large] {
        assert!(cut.answers.len() > 3 && cut.edns.is_some());
        assert_eq!(cut.additionals.len(), cut.answers.len());
        assert_eq!(cut.metadata.truncation, cut.answers.len() < 60);
    }

    let whole = server.tcp(&asked).await;
    assert_eq!((whole.answers.len(), whole.metadata.truncation), (60, false));
}

#[tokio::test]
async fn an_answer_too_large_for_tcp_is_trimmed_and_marked() {
    let server = Running::start(options(), 5000).await;
    let answer = server.tcp(&question("web.service.consul.", RecordType::A)).await;
    assert!(answer.metadata.truncation && answer.answers.len() > 1000, "{}", answer.answers.len());
}

#[tokio::test]
async fn several_questions_share_a_tcp_connection() {
    let server = Running::start(options(), 1).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let asked: Vec<_> = (0..5).map(|_| question("web.service.consul.", RecordType::A)).collect();
    for question in &asked {
        framing::write(&mut stream, &question.to_vec().unwrap()).await.unwrap();
    }
    for question in &asked {
        let packet = framing::read(&mut stream).await.unwrap().unwrap();
        assert_eq!(Message::from_vec(&packet).unwrap().metadata.id, question.metadata.id);
    }
}

#[tokio::test]
async fn noise_leaves_the_server_answering() {
    let server = Running::start(options(), 1).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for size in [0, 1, 11, 12, 13, 100, 511, 512, 1500, 9000, 65_507] {
        let noise: Vec<u8> = (0..size).map(|_| rand::random()).collect();
        socket.send_to(&noise, server.address).await.unwrap();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The server may close as soon as it has seen enough.
        let _ = stream.write_all(&noise).await;
    }
    assert_eq!(server.udp(&question("web.service.consul.", RecordType::A)).await.answers.len(), 1);
    assert_eq!(server.tcp(&question("web.service.consul.", RecordType::A)).await.answers.len(), 1);
}

#[tokio::test]
async fn clients_that_hold_connections_are_bounded_in_number_and_time() {
    let few = DnsOptions { tcp_connections: 2, tcp_deadline: Duration::from_millis(200), ..options() };
    let server = Running::start(few, 1).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Announces a whole message and sends a part.
        stream.write_all(&[0xff, 0xff, 1]).await.unwrap();
        held.push(stream);
    }
    let mut extra = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(timeout(PATIENCE, extra.read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
    for stream in &mut held {
        assert_eq!(timeout(PATIENCE, stream.read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
    }
    assert_eq!(server.tcp(&question("web.service.consul.", RecordType::A)).await.answers.len(), 1);
}

/// What a recursor of the test does with a question over UDP.
#[derive(Clone, Copy)]
enum Manner {
    Answers,
    /// Says that there is more over TCP.
    Truncates,
    Refuses,
    /// Answers with another id first, as a forger would.
    IsForged,
}

/// A recursor that knows one address for every name.
async fn recursor(manner: Manner, tasks: &mut TaskGroup) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    tasks.spawn("recursor-udp", async move {
        let mut buffer = [0; 1500];
        while let Ok((size, source)) = udp.recv_from(&mut buffer).await {
            let asked = Message::from_vec(&buffer[..size]).unwrap();
            for reply in replies(manner, &asked) {
                udp.send_to(&reply.to_vec().unwrap(), source).await.unwrap();
            }
        }
    });
    tasks.spawn("recursor-tcp", async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let packet = framing::read(&mut stream).await.unwrap().unwrap();
            let reply = known(&Message::from_vec(&packet).unwrap());
            framing::write(&mut stream, &reply.to_vec().unwrap()).await.unwrap();
        }
    });
    address
}

fn known(asked: &Message) -> Message {
    let mut reply = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    reply.queries = asked.queries.clone();
    let owner = asked.queries[0].name().clone();
    reply.add_answer(Record::from_rdata(owner, 60, RData::A(A::new(1, 2, 3, 4))));
    reply
}

fn replies(manner: Manner, asked: &Message) -> Vec<Message> {
    let answer = known(asked);
    match manner {
        Manner::Answers => vec![answer],
        Manner::Truncates => vec![answer.truncate()],
        Manner::Refuses => vec![Message::error_msg(asked.metadata.id, OpCode::Query, ResponseCode::Refused)],
        Manner::IsForged => {
            let mut forged = known(asked);
            forged.metadata.id = forged.metadata.id.wrapping_add(1);
            forged.metadata.response_code = ResponseCode::NXDomain;
            vec![forged, answer]
        }
    }
}

async fn with_recursors(manners: &[Manner], tasks: &mut TaskGroup) -> Running {
    // Nobody answers at the first: the socket is bound and never read.
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut recursors = vec![silent.local_addr().unwrap()];
    tasks.spawn("silent", async move {
        let _silent = silent;
        std::future::pending::<()>().await;
    });
    for manner in manners {
        recursors.push(recursor(*manner, tasks).await);
    }
    let recursor_timeout = Duration::from_millis(200);
    Running::start(DnsOptions { recursors, recursor_timeout, ..options() }, 1).await
}

#[tokio::test]
async fn foreign_names_are_asked_of_one_recursor_after_the_other() {
    use Manner::{Answers, IsForged, Refuses, Truncates};
    for manners in [&[Answers][..], &[Truncates], &[Refuses, Answers], &[IsForged]] {
        let mut tasks = TaskGroup::new();
        let server = with_recursors(manners, &mut tasks).await;
        let asked = question("www.example.com.", RecordType::A);
        for answer in [server.udp(&asked).await, server.tcp(&asked).await] {
            assert_eq!(answer.metadata.id, asked.metadata.id);
            assert!(answer.metadata.recursion_available && !answer.metadata.authoritative);
            assert_eq!(answer.answers[0].data.to_string(), "1.2.3.4");
        }
    }
}

#[tokio::test]
async fn an_alias_is_completed_by_a_recursor() {
    let mut tasks = TaskGroup::new();
    let server = with_recursors(&[Manner::Answers], &mut tasks).await;
    let answer = server.udp(&question("outside.service.consul.", RecordType::A)).await;
    let data: Vec<_> = answer.answers.iter().map(|r| r.data.to_string()).collect();
    assert_eq!(data, ["db.example.com.", "1.2.3.4"]);
}

#[tokio::test]
async fn without_an_answer_from_any_recursor_the_client_is_told() {
    let mut tasks = TaskGroup::new();
    let server = with_recursors(&[Manner::Refuses], &mut tasks).await;
    let answer = server.udp(&question("www.example.com.", RecordType::A)).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    // Names of ours need no recursor.
    let alias = server.udp(&question("outside.service.consul.", RecordType::A)).await;
    assert_eq!((alias.metadata.response_code, alias.answers.len()), (ResponseCode::NoError, 1));
}

#[tokio::test]
async fn questions_over_the_limit_of_waiting_ones_fail_at_once() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let recursors = vec![silent.local_addr().unwrap()];
    let server = Running::start(DnsOptions { recursors, recursions_in_flight: 1, ..options() }, 1).await;
    let asked = question("www.example.com.", RecordType::A);
    let waiting = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    waiting.send_to(&asked.to_vec().unwrap(), server.address).await.unwrap();
    // The recursor has it: the only place is taken.
    timeout(PATIENCE, silent.recv(&mut [0; 1500])).await.unwrap().unwrap();
    let refused = timeout(Duration::from_secs(1), server.udp(&asked)).await.unwrap();
    assert_eq!(refused.metadata.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn a_name_of_another_datacenter_is_answered_by_its_servers() {
    let server = Running::start(options(), 1).await;
    let table = [
        ("web.service.dc2.consul.", ResponseCode::NoError, 1),
        ("any.node.dc2.mesh.", ResponseCode::NoError, 1),
        ("web.virtual.dc2.consul.", ResponseCode::NXDomain, 0),
        ("web.service.dc3.consul.", ResponseCode::NXDomain, 0),
        ("web.service.dc4.consul.", ResponseCode::ServFail, 0),
        ("web.service.dc1.consul.", ResponseCode::NoError, 1),
    ];
    for (name, code, answers) in table {
        let answer = server.udp(&question(name, RecordType::A)).await;
        assert_eq!((answer.metadata.response_code, answer.answers.len()), (code, answers), "{name}");
    }
}

#[tokio::test]
async fn without_recursors_foreign_names_are_refused() {
    let server = Running::start(options(), 1).await;
    let answer = server.udp(&question("www.example.com.", RecordType::A)).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::Refused);
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let server = Running::start(options(), 1).await;
    let catalog = catalog_over(store(1));
    let taken = DnsServer::bind(options(), catalog, Clock::System, Arc::new(Second), &[server.address]).await;
    let error = taken.err().unwrap().to_string();
    assert!(error.contains(&server.address.to_string()) && error.contains("ports.dns"), "{error}");
}

/// Asks as people do. Skipped, with a word, where `dig` is not installed.
#[tokio::test]
async fn dig_reads_our_answers() {
    let server = Running::start(options(), 60).await;
    let port = server.address.port().to_string();
    let dig = |arguments: &[&str]| {
        let mut command = tokio::process::Command::new("dig");
        command.args(["@127.0.0.1", "-p", &port, "+norecurse", "+tries=1", "+time=5"]).args(arguments);
        command
    };
    let Ok(output) = dig(&["web.service.consul", "SRV", "+noedns"]).output().await else {
        eprintln!("SKIPPED: dig is not installed (Debian package bind9-dnsutils)");
        return;
    };
    // It sees the TC bit, says so, and asks again over TCP.
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Truncated, retrying in TCP mode") && text.contains("ANSWER: 60"), "{text}");
    assert!(!text.contains("WARNING"), "{text}");

    let output = dig(&["-x", "10.0.0.7", "+short"]).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "web.service.dc1.consul.");
}
