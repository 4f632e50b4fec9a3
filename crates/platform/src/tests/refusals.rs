//! Every error shape and every class of code, as read and as classified.
//!
//! Shapes and codes are from the pages that `refusal` and `classify` name, read 2026-11.

use std::time::SystemTime;

use crate::classify::{classify, refuses_token};
use crate::refusal::PlatformRefusal;
use crate::response::response;
use crate::{Operation, RequestEffect};

fn read(status: u16, content_type: Option<&'static str>, body: &str) -> PlatformRefusal {
    PlatformRefusal::read(
        &response(status, content_type, body),
        SystemTime::UNIX_EPOCH,
        &[],
    )
}

/// Class, what helps, what is known after a create, and whether the token is renewed.
fn meaning(status: u16, body: &str) -> String {
    let refusal = read(status, Some("application/json"), body);
    let as_read = classify(Operation::Read, &refusal);
    let as_create = classify(Operation::Create, &refusal);
    // The effect of a read is never unknown.
    assert_eq!(as_read.effect, RequestEffect::Refused, "{status} {body}");
    let renew = if refuses_token(&refusal) {
        " renew"
    } else {
        ""
    };
    format!(
        "{:?} {:?} {:?}{renew}",
        as_read.class, as_read.next, as_create.effect
    )
}

fn gateway(code: &str) -> String {
    format!(r#"{{"error_code":"{code}","message":"m"}}"#)
}

fn flow(code: &str) -> String {
    format!(r#"{{"type":"https://ns.adobe.com/aep/errors/FLOW-{code}","title":"t"}}"#)
}

fn flow_text(code: &str, text: &str) -> String {
    format!(r#"{{"type":"https://ns.adobe.com/aep/errors/FLOW-{code}","errorMessage":"{text}"}}"#)
}

fn xdm(code: &str) -> String {
    format!(r#"{{"type":"http://ns.adobe.com/aep/errors/XDM-{code}","title":"t"}}"#)
}

#[test]
fn each_shape_of_an_error_is_read() {
    let cases = [
        (
            "gateway",
            401,
            Some("application/json"),
            r#"{"error_code":"401013","message":"Oauth token is not valid"}"#,
            "HTTP 401, 401013: Oauth token is not valid",
        ),
        (
            "gateway's body error",
            400,
            Some("application/json"),
            r#"{"type":"/placeholder/type/uri","status":400,"title":"BadRequestError","detail":"A valid content-type must be specified"}"#,
            "HTTP 400: BadRequestError: A valid content-type must be specified",
        ),
        (
            "Flow Service, a resource",
            404,
            Some("application/json"),
            r#"{"type":"https://ns.adobe.com/aep/errors/FLOW-1439-404","title":"Resource not found","status":404,
                "report":{"detailed-message":"The requested flows resource is not found.","id":"8","type":"flows","request-id":"r-1"},
                "errorMessage":"other","errorDetails":"other"}"#,
            "HTTP 404, FLOW-1439-404: Resource not found: The requested flows resource is not found. (request r-1)",
        ),
        (
            "Flow Service, a permission",
            403,
            Some("application/json"),
            r#"{"type":"https://ns.adobe.com/aep/errors/FLOW-2120-403","title":"Forbidden","status":403,
                "report":{"detailed-message":"no","request-id":"r-2"}}"#,
            "HTTP 403, FLOW-2120-403: Forbidden: no (request r-2)",
        ),
        (
            "Flow Service, the older shape",
            412,
            Some("application/json"),
            r#"{"errorMessage":"Supplied version=[\"a\"] does not match the current version on entity=[\"b\"]"}"#,
            "HTTP 412: Supplied version=[\"a\"] does not match the current version on entity=[\"b\"]",
        ),
        (
            "the catalogue's code",
            400,
            Some("application/json"),
            r#"{"type":"http://ns.adobe.com/aep/errors/1308-400","title":"Bad Request"}"#,
            "HTTP 400, 1308-400: Bad Request",
        ),
        (
            "Schema Registry",
            400,
            Some("application/json"),
            r#"{"type":"http://ns.adobe.com/aep/errors/XDM-1521-400","title":"Title not unique","status":400,
                "report":{"registryRequestId":"u-1","timestamp":"06-01-2021 04:11:06","detailed-message":"Object titles must be unique.","sub-errors":[]},
                "detail":"Object titles must be unique."}"#,
            "HTTP 400, XDM-1521-400: Title not unique: Object titles must be unique. (request u-1)",
        ),
        (
            "Schema Registry, the older shape",
            406,
            Some("application/json"),
            r#"{"type":"/placeholder/type/uri","status":406,"title":"NotAcceptableError","detail":"d"}"#,
            "HTTP 406: NotAcceptableError: d",
        ),
        (
            "Sandbox",
            400,
            Some("application/json"),
            r#"{"status":400,"title":"Sandbox `x` cannot be reset","type":"http://ns.adobe.com/aep/errors/SMS-2074-400"}"#,
            "HTTP 400, SMS-2074-400: Sandbox `x` cannot be reset",
        ),
        (
            "a chain of errors",
            400,
            Some("application/json"),
            r#"{"title":"t","error-chain":[{"serviceId":"s","errorCode":"INSGHT-1000-400","invokingServiceId":"i"}],"report":{"tenantInfo":{}}}"#,
            "HTTP 400, INSGHT-1000-400: t",
        ),
        (
            "IMS",
            400,
            Some("application/json"),
            r#"{"error":"invalid_client","error_description":"invalid client_secret parameter"}"#,
            "HTTP 400, invalid_client: invalid_client: invalid client_secret parameter",
        ),
        (
            "an error page of Spring",
            500,
            Some("application/json"),
            r#"{"timestamp":1,"status":500,"error":"Internal Server Error","message":"m"}"#,
            "HTTP 500: Internal Server Error: m",
        ),
        (
            "only a message",
            400,
            Some("application/json"),
            r#"{"message":"m"}"#,
            "HTTP 400: m",
        ),
        (
            "nothing known",
            400,
            Some("application/json"),
            r#"{"x":1}"#,
            "HTTP 400",
        ),
        ("a list", 400, Some("application/json"), "[1]", "HTTP 400"),
        (
            "a text",
            400,
            Some("application/json"),
            "\"no\"",
            "HTTP 400: no",
        ),
        (
            "plain text",
            502,
            Some("text/plain"),
            "upstream  failed\n",
            "HTTP 502: upstream failed",
        ),
        (
            "an HTML page",
            504,
            Some("text/html"),
            "<html><h1>504</h1></html>",
            "HTTP 504, a page in HTML",
        ),
        ("nothing", 503, None, "", "HTTP 503"),
        (
            "types that are wrong",
            400,
            Some("application/json"),
            r#"{"type":7,"title":[],"report":"x"}"#,
            "HTTP 400",
        ),
        (
            "a code that is a number",
            429,
            Some("application/json"),
            r#"{"error_code":429050,"message":"m"}"#,
            "HTTP 429, 429050: m",
        ),
    ];
    for (name, status, content_type, body, expected) in cases {
        assert_eq!(
            read(status, content_type, body).to_string(),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_giant_text_is_cut() {
    let body = format!(r#"{{"message":"{}"}}"#, "ä".repeat(5000));
    let refusal = read(400, None, &body);
    assert_eq!(refusal.detail.unwrap().len(), 512);
}

#[test]
fn the_gateways_codes_are_classified() {
    let cases = [
        (400, "400003", "InvalidInput FixInput Refused"),
        (401, "401013", "Unauthenticated RenewToken Refused renew"),
        (401, "401014", "Unauthenticated RenewToken Refused"),
        (401, "401015", "Unauthenticated RenewToken Refused"),
        (403, "403000", "Unauthenticated RenewToken Refused"),
        (403, "403003", "Unauthenticated RenewToken Refused"),
        (403, "403010", "Unauthenticated RenewToken Refused"),
        (403, "403011", "Unauthenticated RenewToken Refused"),
        (403, "403012", "PermissionDenied GiveUp Refused"),
        (403, "403013", "PermissionDenied GiveUp Refused"),
        (403, "403020", "Unauthenticated RenewToken Refused renew"),
        (403, "403023", "PermissionDenied GiveUp Refused"),
        (403, "403024", "PermissionDenied GiveUp Refused"),
        (403, "403025", "PermissionDenied GiveUp Refused"),
        (403, "403027", "PermissionDenied GiveUp Refused"),
        (403, "403201", "PermissionDenied GiveUp Refused"),
        (403, "503020", "Unavailable Wait Refused"),
        (429, "429001", "RateLimited Wait Refused"),
        (429, "429002", "RateLimited Wait Refused"),
        (429, "429050", "RateLimited Wait Refused"),
        (503, "503000", "Unavailable Wait Refused"),
        (503, "503010", "Unavailable Wait Refused"),
        (503, "503071", "Unavailable Wait Refused"),
        // A code that is not known leaves it to the status.
        (503, "503999", "Unavailable Wait Unknown"),
        (403, "403999", "PermissionDenied GiveUp Refused"),
    ];
    for (status, code, expected) in cases {
        assert_eq!(meaning(status, &gateway(code)), expected, "{code}");
    }
}

#[test]
fn flow_services_codes_are_classified() {
    let cases = [
        (
            "C, its own",
            400,
            "1415-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, filter",
            400,
            "1448-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, schema and mapping differ",
            400,
            "1425-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, no sandbox header",
            400,
            "2105-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, organisation empty",
            401,
            "2001-401",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, connectors",
            400,
            "1304-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, start time in the past",
            400,
            "1360-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, delta column",
            400,
            "1367-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, deprecated source",
            400,
            "1336-400",
            "InvalidInput FixInput Refused",
        ),
        (
            "C, provider",
            400,
            "1100-400",
            "PlatformRejected FixInput Refused",
        ),
        (
            "X, a base connection in use",
            400,
            "1418-400",
            "Conflict(InUse) Look Refused",
        ),
        (
            "X, a source or target connection in use",
            400,
            "1447-400",
            "Conflict(InUse) Look Refused",
        ),
        // What is about to change or to go by itself is no use.
        ("X, state", 400, "1416-400", "Conflict(State) Look Refused"),
        (
            "X, being deleted",
            400,
            "1458-400",
            "Conflict(State) Look Refused",
        ),
        (
            "X, start time passed",
            400,
            "1404-400",
            "Conflict(State) Look Refused",
        ),
        (
            "X, version",
            412,
            "1404-412",
            "Conflict(Version) Look Refused",
        ),
        (
            "X, version, connectors",
            412,
            "1013-412",
            "Conflict(Version) Look Refused",
        ),
        ("N, catalogue", 400, "1439-400", "NotFound FixInput Refused"),
        ("N, recorded", 404, "1439-404", "NotFound FixInput Refused"),
        ("N, provider", 404, "1101-404", "NotFound FixInput Refused"),
        (
            "N, predecessor",
            400,
            "1430-400",
            "NotFound FixInput Refused",
        ),
        (
            "N, sandbox",
            404,
            "2100-404",
            "SandboxNotFound FixInput Refused",
        ),
        (
            "N, sandbox by id",
            404,
            "2103-404",
            "SandboxNotFound FixInput Refused",
        ),
        (
            "N, no default sandbox",
            404,
            "2106-404",
            "SandboxNotFound FixInput Refused",
        ),
        ("P", 403, "2120-403", "PermissionDenied GiveUp Refused"),
        (
            "P, under 400",
            400,
            "1426-400",
            "PermissionDenied GiveUp Refused",
        ),
        (
            "P, connectors",
            403,
            "1002-403",
            "PermissionDenied GiveUp Refused",
        ),
        (
            "A, invalid token",
            400,
            "2115-400",
            "Unauthenticated RenewToken Refused renew",
        ),
        (
            "A, empty token",
            400,
            "2114-400",
            "Unauthenticated RenewToken Refused renew",
        ),
        (
            "A, organisation",
            401,
            "2000-401",
            "PermissionDenied RenewToken Refused renew",
        ),
        (
            "A, connectors",
            401,
            "1105-401",
            "Unauthenticated RenewToken Refused renew",
        ),
        ("T, internal", 500, "1102-500", "Unavailable Wait Unknown"),
        (
            "T, unavailable",
            503,
            "1103-503",
            "Unavailable Wait Unknown",
        ),
        (
            "T, gateway timeout",
            504,
            "1104-504",
            "Unavailable Wait Unknown",
        ),
        ("T, catalog", 500, "2200-500", "Unavailable Wait Unknown"),
        (
            "T, timed out while processing",
            408,
            "1006-408",
            "Unavailable Wait Unknown",
        ),
        // The status that came is trusted over the one in the code.
        (
            "timed out, as 400",
            400,
            "1006-408",
            "Unavailable Wait Unknown",
        ),
        (
            "a refusal, as 500",
            500,
            "1415-400",
            "InvalidInput FixInput Unknown",
        ),
        (
            "unknown code",
            400,
            "9999-400",
            "PlatformRejected FixInput Refused",
        ),
        (
            "unknown code, 500",
            500,
            "9999-500",
            "Unavailable Wait Unknown",
        ),
    ];
    for (name, status, code, expected) in cases {
        assert_eq!(meaning(status, &flow(code)), expected, "{name}");
    }
}

#[test]
fn the_sources_words_are_not_the_platforms() {
    let recorded = "The request could not be processed. Error from flow provider: The request could \
                    not be processed. Rest call failed with client error, status code 401 \
                    Unauthorized, please check your activity settings.";
    let unknown = "The request could not be processed. Error from flow provider: Unknown error \
                   while processing request.";
    let cases = [
        (
            "recorded 401",
            "1100-400",
            recorded,
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "recorded 401, copy engine",
            "1308-400",
            recorded,
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "recorded, says nothing",
            "1100-400",
            unknown,
            "PlatformRejected FixInput Refused",
        ),
        (
            "not entitled",
            "1100-400",
            "Not entitled to this operation",
            "PermissionDenied GiveUp Refused",
        ),
        (
            "unreachable",
            "1308-400",
            "Cannot connect to the host, connection timed out",
            "Unavailable Wait Refused",
        ),
        (
            "wrong password",
            "1308-400",
            "Login failed for user svc",
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "wrong password, MySQL",
            "1308-400",
            "Access denied for user 'u'@'h' (using password: YES)",
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "no right to a database, MySQL",
            "1308-400",
            "Access denied for user 'u'@'h' to database 'sales'",
            "PlatformRejected FixInput Refused",
        ),
        (
            "wrong password, Windows",
            "1380-400",
            "The user name or password is incorrect",
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "wrong password, Db2",
            "1308-400",
            "SQL30082N Security processing failed with reason 24 (USERNAME AND/OR PASSWORD INVALID)",
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "wrong client, OAuth",
            "1308-400",
            "The source's token endpoint responded with invalid_client",
            "SourceRejectedCredentials FixInput Refused",
        ),
        (
            "If-Match missing",
            "1403-400",
            "Header If-Match is missing",
            "InvalidInput FixInput Refused",
        ),
        (
            "start time passed",
            "1403-400",
            "Start time has passed",
            "Conflict(State) Look Refused",
        ),
        // The same words elsewhere mean nothing.
        (
            "other code",
            "1415-400",
            recorded,
            "InvalidInput FixInput Refused",
        ),
    ];
    for (name, code, text, expected) in cases {
        assert_eq!(meaning(400, &flow_text(code, text)), expected, "{name}");
    }
}

#[test]
fn the_registrys_codes_are_classified() {
    let cases = [
        (400, "1521-400", "Conflict(TitleNotUnique) Look Refused"),
        (404, "1012-404", "NotFound FixInput Refused"),
        (400, "1006-400", "InvalidInput FixInput Refused"),
        (400, "1020-400", "InvalidInput FixInput Refused"),
        (400, "1413-400", "InvalidInput FixInput Refused"),
        // The number is Flow Service's timeout, the family is not.
        (400, "1006-408", "PlatformRejected FixInput Refused"),
        (401, "1000-401", "Unauthenticated RenewToken Refused renew"),
    ];
    for (status, code, expected) in cases {
        assert_eq!(meaning(status, &xdm(code)), expected, "{code}");
    }
}

#[test]
fn a_bare_status_is_classified() {
    let cases = [
        (301, "PlatformRejected FixInput Unknown"),
        (302, "PlatformRejected FixInput Unknown"),
        (303, "PlatformRejected FixInput Unknown"),
        (307, "PlatformRejected FixInput Unknown"),
        (308, "PlatformRejected FixInput Unknown"),
        (400, "PlatformRejected FixInput Refused"),
        (401, "Unauthenticated RenewToken Refused renew"),
        (403, "PermissionDenied GiveUp Refused"),
        (404, "NotFound FixInput Refused"),
        (405, "PlatformRejected GiveUp Refused"),
        (406, "PlatformRejected GiveUp Refused"),
        (407, "Unavailable GiveUp Refused"),
        (408, "Unavailable Wait Unknown"),
        (409, "Conflict(State) Look Refused"),
        (412, "Conflict(Version) Look Refused"),
        (413, "InvalidInput FixInput Refused"),
        (415, "PlatformRejected GiveUp Refused"),
        (422, "InvalidInput FixInput Refused"),
        (425, "RateLimited Wait Refused"),
        (429, "RateLimited Wait Refused"),
        (499, "Unavailable Wait Unknown"),
        (500, "Unavailable Wait Unknown"),
        (501, "PlatformRejected GiveUp Unknown"),
        (502, "Unavailable Wait Unknown"),
        (503, "Unavailable Wait Unknown"),
        (504, "Unavailable Wait Unknown"),
        (599, "Unavailable Wait Unknown"),
        (999, "PlatformRejected Look Unknown"),
    ];
    for (status, expected) in cases {
        assert_eq!(meaning(status, ""), expected, "{status}");
    }
}

#[test]
fn a_page_is_none_of_adobes_words() {
    for (status, expected) in [
        (302, "PlatformRejected FixInput Unknown"),
        (400, "PlatformRejected FixInput Refused"),
        (401, "PlatformRejected FixInput Refused"),
        (403, "PlatformRejected FixInput Refused"),
        (404, "PlatformRejected FixInput Refused"),
        (409, "PlatformRejected FixInput Refused"),
        (429, "RateLimited Wait Refused"),
        (502, "Unavailable Wait Unknown"),
    ] {
        assert_eq!(meaning(status, "<html>"), expected, "{status}");
    }
}

#[test]
fn a_refusal_that_breaks_off_decides_nothing_final() {
    for (status, expected) in [
        (400, "Unavailable Wait Unknown"),
        (403, "Unavailable Wait Unknown"),
        (404, "Unavailable Wait Unknown"),
        (409, "Unavailable Wait Unknown"),
        (422, "Unavailable Wait Unknown"),
        // What is missing changes nothing.
        (401, "Unauthenticated RenewToken Refused renew"),
        (429, "RateLimited Wait Refused"),
        (503, "Unavailable Wait Unknown"),
    ] {
        for body in ["{", r#"{"type":"http://ns.adobe.com/aep/errors/XDM-15"#] {
            assert_eq!(meaning(status, body), expected, "{status} {body}");
        }
    }
}

#[test]
fn ims_is_classified() {
    for word in [
        "invalid_client",
        "invalid_scope",
        "invalid_token",
        "bad_request",
    ] {
        for status in [400, 401] {
            let body = format!(r#"{{"error":"{word}","error_description":"d"}}"#);
            let meaning = meaning(status, &body);
            assert!(
                meaning.starts_with("Unauthenticated RenewToken Refused"),
                "{word}: {meaning}"
            );
        }
    }
}
