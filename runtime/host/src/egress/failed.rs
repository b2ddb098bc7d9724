//! Why a request that was let through got no answer, as a sentence.
//!
//! A guest gets a code of `wasi:http`, and many show it as their language shows data. The attempt's error and
//! log have this beside it.

use std::io;

use tokio_rustls::rustls::{self, CertificateError};
use wasmtime_wasi_http::Error;

/// What happened, in words for those who mend it.
pub fn reason(error: &Error) -> String {
    match error {
        Error::Connect(error) => connecting(error),
        Error::Tls(error) => encrypting(error),
        Error::InvalidDnsNameError(_) => "its host is not a valid name for a certificate".to_owned(),
        Error::Hyper(error) if error.is_incomplete_message() => {
            "the receiver closed the connection before its answer was complete".to_owned()
        }
        Error::Hyper(error) if error.is_parse() => {
            format!("the receiver's response is not valid HTTP: {error}")
        }
        Error::Hyper(error) => format!("the connection failed: {error}"),
        Error::DnsTimeout => "its host's name was not resolved in time".to_owned(),
        Error::DestinationNotFound => "its host's name has no address".to_owned(),
        Error::ConnectionTimeout => "the connection timed out".to_owned(),
        Error::ConnectionReadTimeout => "the receiver did not answer in time".to_owned(),
        Error::ConnectionLimitReached => "the call has reached its limit of requests".to_owned(),
        Error::HttpRequestUriInvalid => "its address is not valid".to_owned(),
        Error::HttpResponseHeaderSectionSize(_) => "the headers of the response are too long".to_owned(),
        Error::ConfigurationError => "this machine cannot make encrypted connections".to_owned(),
        other => {
            let text = other.to_string();
            text.strip_suffix('.').unwrap_or(&text).to_owned()
        }
    }
}

fn connecting(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused: nothing listens there".to_owned(),
        io::ErrorKind::TimedOut => "the connection timed out".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "its host is unreachable from here".to_owned()
        }
        // The look-up of a name has no kind of its own.
        _ if error.to_string().contains("lookup address") => "its host's name is not known".to_owned(),
        _ => format!("it could not be reached: {error}"),
    }
}

fn encrypting(error: &io::Error) -> String {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls {
        Some(rustls::Error::InvalidCertificate(certificate)) => {
            let why = match certificate {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "has expired".to_owned()
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "is not valid yet".to_owned()
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "is for another name".to_owned()
                }
                CertificateError::UnknownIssuer => "was not issued by a public authority".to_owned(),
                CertificateError::Revoked => "was revoked".to_owned(),
                other => format!("is not valid: {other}"),
            };
            format!("the receiver's certificate {why}")
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "the receiver does not speak TLS; if that is intended, set `tls = false` in its [[http]]"
                .to_owned()
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the receiver ended the TLS connection ({alert:?})")
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the receiver closed the connection before it was encrypted".to_owned()
        }
        _ => format!("no encrypted connection could be established: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sentences_and_no_forms_of_data() {
        let tls = |error: rustls::Error| Error::Tls(io::Error::other(error));
        for (error, words) in [
            (Error::Connect(io::ErrorKind::ConnectionRefused.into()), "the connection was refused"),
            (
                Error::Connect(io::Error::other(
                    "failed to lookup address information: Name or service not known",
                )),
                "its host's name is not known",
            ),
            (
                tls(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)),
                "not issued by a public authority",
            ),
            (tls(rustls::Error::InvalidCertificate(CertificateError::Expired)), "has expired"),
            (
                tls(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)),
                "does not speak TLS",
            ),
            (Error::DnsTimeout, "not resolved in time"),
            (Error::DnsError { rcode: Some("SERVFAIL".into()), info_code: None }, "SERVFAIL"),
            (Error::ConnectionReadTimeout, "did not answer in time"),
        ] {
            let reason = reason(&error);
            assert!(reason.contains(words), "{reason}");
            assert!(!reason.contains(['{', '}']) && !reason.contains("Error"), "{reason}");
        }
    }
}
