//! The `Accept` header, which the registry checks strictly: a list takes no version, a single
//! resource needs one.

use crate::problem::Problem;

/// How much of a resource a call asks for.
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

/// How much of each descriptor a list shows. The media types of descriptors are `xdm` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DescriptorForm {
    /// Ids.
    Ids,
    /// Paths.
    Links,
    /// All fields.
    Whole,
    /// All fields, in pages.
    Pages,
}

/// The form of a list of descriptors.
pub(crate) fn for_descriptors(accept: Option<&str>) -> Result<DescriptorForm, Problem> {
    match accept.map(str::trim) {
        Some("application/vnd.adobe.xdm-id+json") => Ok(DescriptorForm::Ids),
        Some("application/vnd.adobe.xdm-link+json") => Ok(DescriptorForm::Links),
        Some("application/vnd.adobe.xdm+json") => Ok(DescriptorForm::Whole),
        Some("application/vnd.adobe.xdm-v2+json") => Ok(DescriptorForm::Pages),
        _ => Err(refusal(
            1008,
            "Accept header of descriptors must be application/vnd.adobe.xdm+json, xdm-id, xdm-link or xdm-v2, without a version",
            accept,
        )),
    }
}

/// The form and the version in a media type.
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
    fn descriptors_have_media_types_of_their_own() {
        let kind =
            |kind: &str| for_descriptors(Some(&format!("application/vnd.adobe.{kind}+json")));
        assert_eq!(kind("xdm-id"), Ok(DescriptorForm::Ids));
        assert_eq!(kind("xdm-link"), Ok(DescriptorForm::Links));
        assert_eq!(kind("xdm"), Ok(DescriptorForm::Whole));
        assert_eq!(kind("xdm-v2"), Ok(DescriptorForm::Pages));
        for wrong in [kind("xed"), kind("xed-full"), for_descriptors(None)] {
            assert!(
                matches!(wrong, Err(Problem::Registry { number: 1008, .. })),
                "{wrong:?}"
            );
        }
    }

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
