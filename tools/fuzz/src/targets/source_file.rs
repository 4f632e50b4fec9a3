//! The file of a source that the worker's owner adds: `acme.toml` in a folder.

use aep_flow::catalog::Catalog;
use aep_flow::catalog::entry::{Auth, Source};

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a temporary folder");
}

pub(super) fn check(input: &[u8]) {
    let folder = FOLDER.with(|folder| folder.path().to_owned());
    std::fs::write(folder.join("acme.toml"), input).expect("the folder can be written to");
    let Ok(catalog) = Catalog::load(Some(&folder)) else {
        return;
    };
    let source = catalog.source("acme").expect("it has the file's name");
    is_plain(&format!("{}{}", source.title, source.document));
    is_plain(&source.deprecation_notice().unwrap_or_default());
    let Ok(tabular) = source.served() else {
        return;
    };
    for auth in &tabular.auth {
        let found = tabular.auth(&auth.spec_name).expect("it is named exactly");
        assert_eq!(found, auth, "two ways have one name");
        keeps_secrets(source, auth);
    }
}

/// Text that is shown to a person must not control the terminal.
fn is_plain(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// A parameter that grants access is a secret, and no secret has an example.
fn keeps_secrets(source: &Source, auth: &Auth) {
    is_plain(&source.auth_deprecation_notice(auth).unwrap_or_default());
    is_plain(&auth.spec_name);
    for param in &auth.params {
        is_plain(&param.name);
        is_plain(&param.description);
        let name = param.name.to_lowercase();
        if name.ends_with("password") || name.ends_with("secret") || name.ends_with("token") {
            assert!(param.secret, "{name}");
        }
        assert!(!param.secret || param.example.is_none(), "{name}");
    }
}
