//! What is said of a source, or a way of authentication, that Adobe drops.

use super::entry::{Auth, Deprecation, Source};

impl Source {
    /// What Adobe says, since when, and what to use instead; nothing for a source that stays.
    /// The text of a warning and of a refusal alike. Example: `PayPal is deprecated since
    /// 2025-06: Adobe announced to remove this source at the end of June 2025`.
    #[must_use]
    pub fn deprecation_notice(&self) -> Option<String> {
        let deprecation = self.deprecation.as_ref()?;
        Some(notice(&self.title, deprecation))
    }

    /// The same for one of its ways of authentication.
    #[must_use]
    pub fn auth_deprecation_notice(&self, auth: &Auth) -> Option<String> {
        let deprecation = auth.deprecation.as_ref()?;
        let what = format!("`{}` of {}", auth.spec_name, self.title);
        Some(notice(&what, deprecation))
    }
}

fn notice(what: &str, deprecation: &Deprecation) -> String {
    let Deprecation {
        since,
        said,
        instead,
    } = deprecation;
    let since = since
        .as_deref()
        .map_or_else(String::new, |month| format!(" since {month}"));
    let instead = instead.as_deref().map_or_else(
        || "; no document names a replacement".to_owned(),
        |instead| format!(", and names as the replacement: {instead}"),
    );
    format!("{what} is deprecated{since}: {said}{instead}")
}
