//! The notice about a source, or a way of authentication, that Adobe removes.

use super::entry::{Auth, Deprecation, Source};

impl Source {
    /// What Adobe announced, since when, and what to use instead; nothing for a source that stays.
    /// It is the text of the warning and of the refusal. Example: `Phoenix is deprecated since
    /// 2025-05: Adobe announced … and names the Data Landing Zone as the replacement`.
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
    let since = deprecation
        .since
        .as_deref()
        .map_or_else(String::new, |month| format!(" since {month}"));
    let said = &deprecation.said;
    let instead = deprecation.instead.as_deref().map_or_else(
        || "; no document names a replacement".to_owned(),
        |instead| format!(" and names {instead} as the replacement"),
    );
    format!("{what} is deprecated{since}: {said}{instead}")
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    #[test]
    fn a_notice_says_what_since_when_and_what_instead() {
        let catalog = Catalog::built_in();
        let notice = |name: &str| catalog.source(name).unwrap().deprecation_notice();
        assert_eq!(
            notice("oracle-service-cloud").unwrap(),
            "Oracle Service Cloud is deprecated since 2025-06: Adobe announced its removal for the \
             end of June 2025 and names the Data Landing Zone as the replacement"
        );
        assert_eq!(
            notice("paypal").unwrap(),
            "PayPal is deprecated since 2025-06: Adobe announced its removal for the end of June \
             2025; no document names a replacement"
        );
        assert_eq!(notice("salesforce-service-cloud"), None);
    }

    #[test]
    fn a_way_that_is_dropped_does_not_make_the_source_deprecated() {
        let catalog = Catalog::built_in();
        let source = catalog.source("salesforce-service-cloud").unwrap();
        let tabular = source.served().unwrap();
        let notice = |way: &str| source.auth_deprecation_notice(tabular.auth(way).unwrap());
        assert_eq!(
            notice("Basic Authentication").unwrap(),
            "`Basic Authentication` of Salesforce Service Cloud is deprecated since 2026-01: Adobe \
             announced its removal for January 2026 and names OAuth2 Client Credential as the \
             replacement"
        );
        assert_eq!(notice("OAuth2 Client Credential"), None);
    }

    #[test]
    fn seven_sources_are_dropped() {
        let names: Vec<String> = Catalog::built_in()
            .iter()
            .filter(|source| source.deprecation.is_some())
            .map(|source| source.name.clone())
            .collect();
        assert_eq!(
            names,
            [
                "couchbase",
                "oracle-eloqua",
                "oracle-service-cloud",
                "paypal",
                "phoenix",
                "salesforce-marketing-cloud",
                "zoho-crm"
            ]
        );
    }
}
