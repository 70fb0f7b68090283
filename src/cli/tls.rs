//! TLS where the server speaks it itself: its certificate and key, and their renewal while it runs.
//!
//! Called by `serve`.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

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

/// Renews the certificate whenever the process is told to with SIGHUP.
#[cfg(unix)]
pub(super) fn renew_when_told(certificate: Arc<Certificate>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut told = signal(SignalKind::hangup())?;
    actix_web::rt::spawn(async move {
        while told.recv().await.is_some() {
            match certificate.renew() {
                Ok(()) => log::info!("the certificate is renewed"),
                Err(failure) => log::error!("the certificate is not renewed: {}", failure.sentence),
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn renew_when_told(_: Arc<Certificate>) -> std::io::Result<()> {
    Ok(())
}
