//! TLS where the server speaks it itself: its certificate and key, their renewal while it runs, and asking such a
//! server from the same machine.
//!
//! Called by `serve` and `health`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, SignatureScheme, StreamOwned,
};

use super::failure::{Exit, Failure};
use crate::config::TlsFiles;

/// The certificate in use, which may be renewed.
pub(super) struct Certificate {
    files: TlsFiles,
    held: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.held.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Certificate {
    /// Reads a certificate with its chain and the key that fits it.
    pub(super) fn load(files: &TlsFiles) -> Result<Arc<Certificate>, Failure> {
        Ok(Arc::new(Certificate {
            files: files.clone(),
            held: RwLock::new(Arc::new(read(files)?)),
        }))
    }

    /// Reads the files again. Connections that are open keep what they have; where the files are not good, so does
    /// everybody.
    pub(super) fn renew(&self) -> Result<(), Failure> {
        let renewed = Arc::new(read(&self.files)?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// TLS 1.2 and 1.3, without client certificates.
    pub(super) fn server_config(self: &Arc<Certificate>) -> Result<ServerConfig, Failure> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as Arc<dyn ResolvesServerCert>;
        Ok(builder.with_no_client_auth().with_cert_resolver(resolver))
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, Failure> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate_file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(&files.certificate_file, &error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(&files.certificate_file, "it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key_file)
        .map_err(|error| unusable(&files.key_file, &error.to_string()))?;
    CertifiedKey::from_der(certificates, key, &aws_lc_rs::default_provider())
        .map_err(|error| unusable(&files.key_file, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> Failure {
    Failure::new(
        Exit::Configuration,
        format!("{} cannot be used for TLS: {reason}", path.display()),
    )
}

/// A connection to a server that has the certificate of this file, under whatever name it was reached.
pub(super) fn over_tls(
    files: &TlsFiles,
    stream: TcpStream,
) -> Result<StreamOwned<ClientConnection, TcpStream>, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let expected = CertificateDer::from_pem_file(&files.certificate_file)
        .map_err(|error| unusable(&files.certificate_file, &error.to_string()))?;
    let verifier = Arc::new(ThisOne {
        expected,
        algorithms: provider.signature_verification_algorithms,
    });
    let failed = |error: rustls::Error| Failure::new(Exit::Unavailable, error.to_string());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let name = ServerName::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST).into());
    let connection = ClientConnection::new(Arc::new(config), name).map_err(failed)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Accepts one certificate, of which the server has to hold the key, and no other.
#[derive(Debug)]
struct ThisOne {
    expected: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ThisOne {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General(
                "its certificate is not the one of the configured file".to_owned(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Renews the certificate whenever the process is told to with SIGHUP, which would end it if nobody heard.
#[cfg(unix)]
pub(super) fn renew_when_told(certificate: Option<Arc<Certificate>>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut told = signal(SignalKind::hangup())?;
    actix_web::rt::spawn(async move {
        while told.recv().await.is_some() {
            match certificate.as_ref().map(|certificate| certificate.renew()) {
                Some(Ok(())) => log::info!("the certificate is renewed"),
                Some(Err(failure)) => log::error!("the certificate is not renewed: {}", failure.sentence),
                None => log::info!("there is no certificate to renew"),
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn renew_when_told(_: Option<Arc<Certificate>>) -> std::io::Result<()> {
    Ok(())
}
