//! A broker from before Kafka had transactions: it speaks enough of the protocol for a client to find its topics, and says
//! that it knows neither transactional coordinators nor producer ids.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const METADATA: i16 = 3;
const FIND_COORDINATOR: i16 = 10;
const API_VERSIONS: i16 = 18;
const UNSUPPORTED_VERSION: i16 = 35;
/// What Kafka 0.10.2 offers of each request that is asked for here, without the ones that came with transactions.
const OFFERED: [(i16, i16, i16); 7] = [
    (0, 0, 2),
    (1, 0, 3),
    (2, 0, 1),
    (METADATA, 0, 2),
    (9, 0, 2),
    (FIND_COORDINATOR, 0, 0),
    (API_VERSIONS, 0, 0),
];

/// Starts it with these topics.
pub async fn start(topics: &[&str]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, address.port(), topics.clone()));
        }
    });
    address
}

async fn serve(mut client: TcpStream, port: u16, topics: Vec<String>) {
    while let Ok(length) = client.read_i32().await {
        let mut request = vec![0; usize::try_from(length).expect("a length")];
        if client.read_exact(&mut request).await.is_err() {
            return;
        }
        let key = i16::from_be_bytes([request[0], request[1]]);
        let version = i16::from_be_bytes([request[2], request[3]]);
        let mut answer = Answer(request[4..8].to_vec());
        match key {
            API_VERSIONS => answer.api_versions(version),
            METADATA => answer.metadata(port, &topics),
            FIND_COORDINATOR => answer.coordinator(port),
            // As that broker would: it hangs up on what it does not know.
            _ => return,
        }
        let length = u32::try_from(answer.0.len()).expect("a length");
        if client.write_u32(length).await.is_err() || client.write_all(&answer.0).await.is_err() {
            return;
        }
    }
}

/// An answer that grows; all numbers big-endian.
struct Answer(Vec<u8>);

impl Answer {
    fn short(&mut self, number: i16) {
        self.0.extend(number.to_be_bytes());
    }

    fn int(&mut self, number: i32) {
        self.0.extend(number.to_be_bytes());
    }

    fn count(&mut self, length: usize) {
        self.int(i32::try_from(length).expect("a count"));
    }

    fn text(&mut self, text: &str) {
        self.short(i16::try_from(text.len()).expect("a length"));
        self.0.extend(text.as_bytes());
    }

    fn api_versions(&mut self, version: i16) {
        self.short(if version == 0 { 0 } else { UNSUPPORTED_VERSION });
        self.count(OFFERED.len());
        for (key, least, most) in OFFERED {
            self.short(key);
            self.short(least);
            self.short(most);
        }
    }

    fn node(&mut self, port: u16) {
        self.int(1);
        self.text("127.0.0.1");
        self.int(i32::from(port));
    }

    fn metadata(&mut self, port: u16, topics: &[String]) {
        self.count(1);
        self.node(port);
        self.short(-1);
        self.text("an-old-cluster");
        self.int(1);
        self.count(topics.len());
        for topic in topics {
            self.short(0);
            self.text(topic);
            self.0.push(0);
            self.count(1);
            self.short(0);
            self.int(0);
            self.int(1);
            for _replicas_and_in_sync in 0..2 {
                self.count(1);
                self.int(1);
            }
        }
    }

    fn coordinator(&mut self, port: u16) {
        self.short(0);
        self.node(port);
    }
}
