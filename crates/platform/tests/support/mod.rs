//! The client at an emulator.

use aep_emulator::Emulator;
use aep_platform::{Client, Credentials, Sandbox, SandboxName, Settings};

/// One that logs in with `client_secret`.
pub(crate) fn client(emulator: &Emulator, client_secret: &str) -> Client {
    let mut settings = Settings::new(aep_emulator::DEFAULT_ORG);
    settings.platform_url = emulator.url().parse().unwrap();
    settings.ims_url = settings.platform_url.clone();
    settings.allow_insecure = true;
    let credentials = Credentials {
        client_id: aep_emulator::DEFAULT_CLIENT_ID.to_owned(),
        client_secret: client_secret.to_owned().into(),
        scopes: vec!["openid".to_owned(), "AdobeID".to_owned()],
    };
    Client::new(settings, credentials).unwrap()
}

/// The sandbox `prod`.
pub(crate) fn sandbox(client: &Client) -> Sandbox {
    client.sandbox(&SandboxName::parse("prod").unwrap())
}
