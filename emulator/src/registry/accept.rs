//! The `Accept` header, which the registry takes seriously: lists without a version, single
//! resources with one.

use crate::problem::Problem;

/// How much of a resource is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Ids, titles and versions.
    Ids,
    /// As it was sent.
    Raw,
    /// With all references resolved.
    Full,
}

/// The form of a list.
pub(crate) fn for_list(accept: Option<&str>) -> Result<Form, Problem> {
    match parse(accept) {
        Some((form @ (Form::Ids | Form::Raw), None)) => Ok(form),
        _ => Err(refusal(
            1006,
            "Accept header of a list must be application/vnd.adobe.xed-id+json or application/vnd.adobe.xed+json, without a version",
            accept,
        )),
    }
}

/// The form of one resource.
pub(crate) fn for_one(accept: Option<&str>) -> Result<Form, Problem> {
    match parse(accept) {
        Some((form @ (Form::Raw | Form::Full), Some(version)))
            if version.split('.').next() == Some("1") =>
        {
            Ok(form)
        }
        Some((Form::Raw | Form::Full, Some(_))) => {
            Err(refusal(1007, "This version doesn't exist", accept))
        }
        _ => Err(refusal(
            1007,
            "Accept header must name a version, such as application/vnd.adobe.xed+json; version=1",
            accept,
        )),
    }
}

/// The form and the version of an accepted media type.
fn parse(accept: Option<&str>) -> Option<(Form, Option<String>)> {
    let mut parts = accept?.split(';').map(str::trim);
    let kind = parts
        .next()?
        .strip_prefix("application/vnd.adobe.")?
        .strip_suffix("+json")?;
    let variant = kind
        .strip_prefix("xed")
        .or_else(|| kind.strip_prefix("xdm"))?;
    let form = match variant {
        "-id" => Form::Ids,
        "" | "-notext" | "-deprecatefield" => Form::Raw,
        "-full" | "-full-notext" | "-full-desc" => Form::Full,
        _ => return None,
    };
    let version = parts
        .find_map(|part| part.strip_prefix("version="))
        .map(str::to_owned);
    Some((form, version))
}

fn refusal(number: u16, detail: &str, accept: Option<&str>) -> Problem {
    Problem::Registry {
        number,
        status: 400,
        title: "Accept header error",
        detail: format!("{detail}; found {}", accept.unwrap_or("none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_no_version_and_resources_need_one() {
        let id = "application/vnd.adobe.xed-id+json";
        let raw = "application/vnd.adobe.xed+json";
        assert_eq!(for_list(Some(id)), Ok(Form::Ids));
        assert_eq!(for_list(Some(raw)), Ok(Form::Raw));
        for wrong in [
            Some("application/json"),
            None,
            Some("application/vnd.adobe.xed+json; version=1"),
        ] {
            assert!(
                matches!(for_list(wrong), Err(Problem::Registry { number: 1006, .. })),
                "{wrong:?}"
            );
        }
        for right in [
            "xed+json; version=1",
            "xed+json;version=1",
            "xdm+json;version=1.0",
        ] {
            assert_eq!(
                for_one(Some(&format!("application/vnd.adobe.{right}"))),
                Ok(Form::Raw),
                "{right}"
            );
        }
        assert_eq!(
            for_one(Some("application/vnd.adobe.xed-full+json;version=1")),
            Ok(Form::Full)
        );
        for wrong in [
            Some(raw),
            Some("application/json"),
            None,
            Some("application/vnd.adobe.xed+json;version=2"),
        ] {
            assert!(
                matches!(for_one(wrong), Err(Problem::Registry { number: 1007, .. })),
                "{wrong:?}"
            );
        }
    }
}
