//! A way to a server that a test can close: what is on it then is held, and neither side is told; or cut, and both are.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    pub address: SocketAddr,
    way: watch::Sender<Way>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Held,
    Cut,
}

impl Proxy {
    /// A way to the server, open.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (way, is_now) = watch::channel(Way::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *is_now.borrow() == Way::Cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server).await else {
                    continue;
                };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(carry(from_client, to_server, is_now.clone()));
                tokio::spawn(carry(from_server, to_client, is_now.clone()));
            }
        });
        Self { address, way }
    }

    /// From now on nothing gets through.
    pub fn hold(&self) {
        self.way.send_replace(Way::Held);
    }

    /// From now on there is no connection.
    pub fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    /// From now on all goes through again, what was held first.
    pub fn let_through(&self) {
        self.way.send_replace(Way::Open);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: watch::Receiver<Way>) {
    let mut is_cut = way.clone();
    let carried = async {
        let mut is_open = way;
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            if is_open.wait_for(|way| *way == Way::Open).await.is_err()
                || to.write_all(&bytes[..length]).await.is_err()
            {
                break;
            }
        }
    };
    tokio::select! {
        () = carried => {}
        _ = is_cut.wait_for(|way| *way == Way::Cut) => {}
    }
}
