//! Telling whoever started the process that it is ready, and that it is stopping, in the manner of systemd: a
//! datagram to the socket that `NOTIFY_SOCKET` names. Without one nobody asked. Called by `serve`.

/// What there is to tell.
#[derive(Debug, Clone, Copy)]
pub(super) enum News {
    Ready,
    Stopping,
}

/// Tells it, if anybody asked; a service that cannot be heard is not worse for it.
pub(super) fn tell(news: News) {
    let text = match news {
        News::Ready => "READY=1",
        News::Stopping => "STOPPING=1",
    };
    if let Err(error) = send(text) {
        log::warn!(error:% = error; "the supervisor could not be told");
    }
}

#[cfg(target_os = "linux")]
fn send(text: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn send(_text: &str) -> std::io::Result<()> {
    Ok(())
}
