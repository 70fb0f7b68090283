//! `ehcp health`: whether the server at the configured address is ready, for a container that has no other
//! program to ask with.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::failure::{Exit, Failure};
use super::tls::over_tls;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(4);

pub(super) fn ask(config: &Config) -> Result<Exit, Failure> {
    match status(config) {
        Ok(status) if status == "200" => Ok(Exit::Done),
        Ok(_) => Err(Failure::new(
            Exit::Unavailable,
            format!("the server at {} is not ready", config.bind),
        )),
        Err(error) => Err(Failure::new(
            Exit::Unavailable,
            format!("the server at {} does not answer: {error}", config.bind),
        )),
    }
}

fn status(config: &Config) -> io::Result<String> {
    let address = config
        .bind
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other("the name has no address"))?;
    let stream = TcpStream::connect_timeout(&reachable(address), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    match &config.tls {
        None => status_over(stream),
        Some(files) => {
            status_over(over_tls(files, stream).map_err(|failure| io::Error::other(failure.sentence))?)
        }
    }
}

fn status_over(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let read = stream.take(4096).read_to_end(&mut answer);
    // A server need not take leave in TLS before it hangs up.
    if answer.is_empty() {
        read?;
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default();
    Ok(status.to_owned())
}

/// A server on every address is asked on this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
