//! Why a client can't be built: the settings, the certificates or the proxy.

/// Why no client can be built of these settings. Each is a fault of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Not `https`, and not an allowed emulator on this machine.
    #[error(
        "{setting} `{url}` is not https (http is for this machine only, with `allow_insecure`)"
    )]
    InsecureUrl {
        /// The setting's name.
        setting: &'static str,
        /// The address, without user name, password and query.
        url: String,
    },
    /// The address has a user name, a query, a fragment or no host.
    #[error("{setting} is not a plain address: {problem}")]
    WrongUrl {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A setting is missing or impossible.
    #[error("{setting} {problem}")]
    WrongSetting {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A credential of the retired kind. Source: Developer Console guide, read 2026-11: JWT
    /// service accounts stopped in January 2025.
    #[error(
        "JWT (service account) credentials are retired; add an OAuth server-to-server credential \
         to the project in the Developer Console and use its client id, client secret and scopes"
    )]
    JwtCredentials,
    /// The certificate authorities can't be read.
    #[error("the certificate authorities can't be used: {reason}")]
    WrongCertificate {
        /// What the TLS library said.
        reason: String,
    },
    /// The proxy's address is not valid. It is not shown: it may hold a password.
    #[error("the proxy's address is none (`http://HOST:PORT` or `https://HOST:PORT`)")]
    WrongProxy,
    /// The HTTP library refused the settings.
    #[error("the HTTP client can't be made: {reason}")]
    Http {
        /// What it said.
        reason: String,
    },
}
