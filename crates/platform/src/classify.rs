//! From a response that is an error to its meaning: a table by HTTP status, and over it a table by Adobe's code.
//!
//! General rows come first and specific ones override them: a code says more than a status. Each
//! table names Adobe's page. This module knows nothing of requests in flight.

#![warn(clippy::wildcard_enum_match_arm)]

use crate::code::{AdobeCode, Family};
use crate::kind::Operation;
use crate::meaning::{Class, Conflict, Meaning, Next, RequestEffect};
use crate::refusal::PlatformRefusal;

/// Whether a response decides a write: `Decided` is a refusal, `Open` leaves the effect unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// The response's status decides.
    ByStatus,
    /// Refused, whatever the status is.
    Decided,
    /// Unknown, whatever the status is.
    Open,
}

use Decision::{ByStatus, Decided, Open};

const FIX: Next = Next::FixInput;
const WAIT: Next = Next::Wait;
const LOOK: Next = Next::Look;
const GIVE_UP: Next = Next::GiveUp;
const RENEW: Next = Next::RenewToken;
const STATE: Class = Class::Conflict(Conflict::State);
const IN_USE: Class = Class::Conflict(Conflict::InUse);
const VERSION: Class = Class::Conflict(Conflict::Version);

/// One row by status: lowest and highest status, class, next, what it means for a write.
/// Source: RFC 9110, and for 500 "Experience Platform FAQ": too many calls at once show as 500.
const BY_STATUS: &[(u16, u16, Class, Next, Decision)] = &[
    // A redirect is not followed: the address in the settings is wrong. A server may have done the
    // work of a POST before it sends one (303 means that), and so may what sends a redirect in its
    // place.
    (300, 399, Class::PlatformRejected, FIX, Open),
    (400, 499, Class::PlatformRejected, GIVE_UP, Decided),
    (400, 400, Class::PlatformRejected, FIX, Decided),
    (401, 401, Class::Unauthenticated, RENEW, Decided),
    (402, 403, Class::PermissionDenied, GIVE_UP, Decided),
    (404, 404, Class::NotFound, FIX, Decided),
    (407, 407, Class::Unavailable, GIVE_UP, Decided),
    // A timeout while reading or working: the work may have been done.
    (408, 408, Class::Unavailable, WAIT, Open),
    (409, 409, STATE, LOOK, Decided),
    (410, 410, Class::NotFound, FIX, Decided),
    (412, 412, VERSION, LOOK, Decided),
    (413, 414, Class::InvalidInput, FIX, Decided),
    (422, 422, Class::InvalidInput, FIX, Decided),
    (423, 423, STATE, WAIT, Decided),
    (425, 425, Class::RateLimited, WAIT, Decided),
    (429, 429, Class::RateLimited, WAIT, Decided),
    (428, 428, VERSION, LOOK, Decided),
    // nginx: the proxy's client closed the connection. Whether the service worked on is unknown.
    (499, 499, Class::Unavailable, WAIT, Open),
    (500, 599, Class::Unavailable, WAIT, Open),
    (501, 501, Class::PlatformRejected, GIVE_UP, Open),
];

/// Rows by code: the family, the codes, class, next, what it means for a write.
type CodeRow = (Family, &'static [&'static str], Class, Next, Decision);

/// Source: the gateway's open source and "Experience Platform FAQ", read 2026-11. The gateway
/// writes all of these before it calls a service, so a create had no effect.
const GATEWAY: &[CodeRow] = &[
    (
        Family::Gateway,
        &["400003"],
        Class::InvalidInput,
        FIX,
        Decided,
    ),
    (
        Family::Gateway,
        &["401013", "403020"],
        Class::Unauthenticated,
        RENEW,
        Decided,
    ),
    (
        Family::Gateway,
        &["401014", "401015", "403011"],
        Class::Unauthenticated,
        RENEW,
        Decided,
    ),
    (
        Family::Gateway,
        &["403000", "403003", "403010"],
        Class::Unauthenticated,
        RENEW,
        Decided,
    ),
    (
        Family::Gateway,
        &[
            "403012", "403013", "403023", "403024", "403025", "403027", "403201",
        ],
        Class::PermissionDenied,
        GIVE_UP,
        Decided,
    ),
    // HTTP 403 by its status, transient by its code.
    (
        Family::Gateway,
        &["503020"],
        Class::Unavailable,
        WAIT,
        Decided,
    ),
    (
        Family::Gateway,
        &["429001", "429002", "429050"],
        Class::RateLimited,
        WAIT,
        Decided,
    ),
    (
        Family::Gateway,
        &["503000", "503010", "503071"],
        Class::Unavailable,
        WAIT,
        Decided,
    ),
];

/// Source: "Flow Service errors" and "Sources errors" (the connectors layer), read 2026-11. The two
/// share numbers. Where number and status are equal, the row is true for both, or is the more
/// careful one.
const FLOW: &[CodeRow] = &[
    (
        Family::Flow,
        &[
            "1401-400", "1402-400", "1403-400", "1405-400", "1406-400", "1407-400", "1408-400",
            "1410-400", "1411-400", "1412-400", "1413-400", "1414-400", "1415-400", "1419-400",
            "1423-400", "1424-400", "1425-400", "1431-400", "1432-400", "1433-400", "1434-400",
            "1435-400", "1436-400", "1437-400", "1438-400", "1440-400", "1441-400", "1442-400",
            "1443-400", "1445-400", "1446-400", "1448-400", "1449-400", "1450-400", "1451-400",
            "1452-400", "1453-400", "1454-400", "1455-400", "2001-401", "2002-401", "2105-400",
            "2110-400", "2111-403", "2112-400", "2113-400", "2119-400",
        ],
        Class::InvalidInput,
        FIX,
        ByStatus,
    ),
    // Connectors: bad arguments, mandatory fields, schedule, filters, explore parameters.
    (
        Family::Flow,
        &[
            "1000-400", "1004-415", "1007-400", "1009-403", "1014-400", "1300-400", "1301-400",
            "1302-400", "1304-400", "1305-400", "1306-400", "1307-400", "1312-400", "1313-400",
            "1314-400", "1315-400", "1317-400", "1318-400", "1320-400", "1321-400", "1322-400",
            "1323-400", "1324-400", "1325-400", "1326-400", "1327-400", "1328-400", "1329-400",
            "1330-400", "1332-400", "1334-400", "1335-400", "1336-400", "1337-400", "1338-400",
            "1339-400", "1340-400", "1349-400", "1350-400", "1351-400", "1352-400", "1353-400",
            "1354-400", "1355-400", "1356-400", "1357-400", "1358-400", "1359-400", "1360-400",
            "1361-400", "1362-400", "1363-400", "1364-400", "1365-400", "1367-400", "1368-400",
            "1369-400", "1370-400", "1372-400", "1377-400", "1378-400", "1379-400", "1381-400",
            "1382-400", "1383-400", "1384-400", "1385-400", "1386-400", "1389-400", "1390-400",
            "1391-400", "1392-400", "1393-400", "1394-400", "1395-400", "1396-400", "1397-400",
            "1398-400", "1399-400",
        ],
        Class::InvalidInput,
        FIX,
        ByStatus,
    ),
    // "Could not be processed" and a text: the text is read below.
    (
        Family::Flow,
        &["1100-400", "1600-400", "1308-400", "1380-400"],
        Class::PlatformRejected,
        FIX,
        ByStatus,
    ),
    (
        Family::Flow,
        &[
            "1409-400", "1416-400", "1417-400", "1420-400", "1421-400", "1422-400", "1444-400",
            "1456-400", "1457-400", "1458-400", "1366-400", "1387-400", "1388-400", "1404-400",
        ],
        STATE,
        LOOK,
        ByStatus,
    ),
    // Flows use the base connection; active flows hold the source or target connection.
    (
        Family::Flow,
        &["1418-400", "1447-400"],
        IN_USE,
        LOOK,
        ByStatus,
    ),
    (
        Family::Flow,
        &["1404-412", "1013-412", "1107-412", "1607-412"],
        VERSION,
        LOOK,
        ByStatus,
    ),
    (
        Family::Flow,
        &[
            "1003-404", "1101-404", "1102-404", "1428-400", "1429-400", "1430-400", "1602-404",
        ],
        Class::NotFound,
        FIX,
        ByStatus,
    ),
    (
        Family::Flow,
        &["2100-404", "2101-404", "2103-404", "2106-404"],
        Class::SandboxNotFound,
        FIX,
        ByStatus,
    ),
    (
        Family::Flow,
        &[
            "1002-403", "1106-403", "1606-403", "1426-400", "1427-400", "2118-403", "2120-403",
            "2121-403",
        ],
        Class::PermissionDenied,
        GIVE_UP,
        ByStatus,
    ),
    (
        Family::Flow,
        &[
            "2114-400", "2115-400", "1001-401", "1008-401", "1105-401", "1605-401",
        ],
        Class::Unauthenticated,
        RENEW,
        ByStatus,
    ),
    // The token is good, the organisation is not the token's.
    (
        Family::Flow,
        &["2000-401"],
        Class::PermissionDenied,
        RENEW,
        ByStatus,
    ),
    // A timeout while processing: the effect is unknown, whatever the status is.
    (Family::Flow, &["1006-408"], Class::Unavailable, WAIT, Open),
    (
        Family::Flow,
        &[
            "1005-500", "1011-503", "1012-504", "1101-500", "1102-500", "1103-503", "1104-504",
            "1200-500", "1400-500", "1402-500", "1601-500", "1603-503", "1604-504", "2102-500",
            "2104-500", "2107-500", "2108-500", "2116-500", "2117-500", "2200-500", "2250-500",
        ],
        Class::Unavailable,
        WAIT,
        Open,
    ),
];

/// Source: Schema Registry troubleshooting guide, read 2026-11.
const XDM: &[CodeRow] = &[
    (
        Family::Xdm,
        &["1521-400"],
        Class::Conflict(Conflict::TitleNotUnique),
        LOOK,
        ByStatus,
    ),
    (
        Family::Xdm,
        &[
            "1010-404", "1011-404", "1012-404", "1013-404", "1014-404", "1015-404", "1016-404",
            "1017-404",
        ],
        Class::NotFound,
        FIX,
        ByStatus,
    ),
    (
        Family::Xdm,
        &[
            "1006-400", "1007-400", "1008-400", "1009-400", "1020-400", "1021-400", "1022-400",
            "1023-400", "1024-400", "1413-400", "1526-400", "1527-400", "1528-400",
        ],
        Class::InvalidInput,
        FIX,
        ByStatus,
    ),
];

/// Source: IMS server-to-server guide, read 2026-11. All are the configuration's.
const IMS: &[CodeRow] = &[(
    Family::Ims,
    &[
        "invalid_client",
        "invalid_scope",
        "invalid_token",
        "invalid_grant",
        "invalid_request",
        "bad_request",
        "unauthorized_client",
        "unsupported_grant_type",
        "access_denied",
    ],
    Class::Unauthenticated,
    RENEW,
    Decided,
)];

/// What a refusal of a request of that operation means.
pub(crate) fn classify(operation: Operation, refusal: &PlatformRefusal) -> Meaning {
    let (mut class, mut next, by_status) = status_row(refusal.status);
    let mut decision = by_status;
    if let Some(code) = &refusal.code
        && let Some((_, _, code_class, code_next, code_decision)) = code_row(code)
    {
        class = *code_class;
        next = *code_next;
        decision = match code_decision {
            ByStatus => by_status,
            Decided => Decided,
            Open => Open,
        };
    }
    if let Some((text_class, text_next)) = text_row(refusal) {
        class = text_class;
        next = text_next;
    }
    if refusal.is_page && !matches!(class, Class::RateLimited | Class::Unavailable) {
        // Whatever its status is, it says nothing of credentials, rights or resources.
        (class, next) = (Class::PlatformRejected, FIX);
    }
    if refusal.is_cut_off && !is_passing(class) {
        // What is missing may have said something else, above all that the name is taken.
        (class, next, decision) = (Class::Unavailable, WAIT, Open);
    }
    match (operation, decision) {
        // A read has no effect, so its effect is never unknown.
        (Operation::Read, _) | (_, Decided | ByStatus) => Meaning {
            class,
            next,
            effect: RequestEffect::Refused,
        },
        (Operation::Create | Operation::Update | Operation::Delete, Open) => Meaning {
            class: Class::OutcomeUnknown,
            next: Next::Look,
            effect: RequestEffect::Unknown,
        },
    }
}

/// Whether the same request may succeed later, or with a new token.
pub(crate) fn is_passing(class: Class) -> bool {
    match class {
        Class::RateLimited | Class::Unavailable | Class::Unauthenticated => true,
        Class::InvalidInput
        | Class::PermissionDenied
        | Class::SandboxNotFound
        | Class::SourceRejectedCredentials
        | Class::Conflict(_)
        | Class::NotFound
        | Class::PlatformRejected
        | Class::OutcomeUnknown => false,
    }
}

/// Whether the code is documented by Adobe, and so has a row here.
pub(crate) fn is_documented(code: &AdobeCode) -> bool {
    code_row(code).is_some()
}

/// Whether a new token may help. Then the token itself was refused, so nothing was done. `401014`,
/// `401015` and `403011` are about its scopes, which a new one has as well.
pub(crate) fn refuses_token(refusal: &PlatformRefusal) -> bool {
    if refusal.is_page {
        return false;
    }
    let Some(code) = &refusal.code else {
        // Data Prep responds 401 without a documented body.
        return refusal.status == 401;
    };
    match code.family() {
        Family::Gateway => matches!(code.as_str(), "401013" | "403020"),
        Family::Flow => matches!(
            code.number_and_status(),
            "2114-400"
                | "2115-400"
                | "2000-401"
                | "1001-401"
                | "1008-401"
                | "1105-401"
                | "1605-401"
        ),
        Family::Xdm | Family::Ims | Family::Other => refusal.status == 401,
    }
}

/// Whether a service refuses the filter of a list. The look then needs another filter.
pub(crate) fn refuses_filter(refusal: &PlatformRefusal) -> bool {
    if refusal.status != 400 || refusal.is_page {
        return false;
    }
    match &refusal.code {
        Some(code) => {
            code.family() != Family::Flow
                || matches!(
                    code.number_and_status(),
                    "1423-400"
                        | "1440-400"
                        | "1443-400"
                        | "1448-400"
                        | "1449-400"
                        | "1450-400"
                        | "1451-400"
                        | "1452-400"
                        | "1453-400"
                        | "1454-400"
                )
        }
        // Catalog and Data Prep document no error body: any 400 to a filtered list may be such a
        // refusal.
        None => true,
    }
}

fn status_row(status: u16) -> (Class, Next, Decision) {
    // The last row that fits wins, as ranges come before their exceptions.
    BY_STATUS
        .iter()
        .rev()
        .find(|(low, high, ..)| (*low..=*high).contains(&status))
        .map_or((Class::PlatformRejected, Next::Look, Open), |row| {
            (row.2, row.3, row.4)
        })
}

fn code_row(code: &AdobeCode) -> Option<&'static CodeRow> {
    let family = code.family();
    let key = match family {
        Family::Gateway | Family::Ims => code.as_str(),
        Family::Flow | Family::Xdm | Family::Other => code.number_and_status(),
    };
    // Adobe's list has 1439-400 where 1439-404 was recorded, so the number alone decides.
    if family == Family::Flow && code.number() == Some("1439") {
        return code_row_of(Family::Flow, "1101-404");
    }
    code_row_of(family, key)
}

fn code_row_of(family: Family, key: &str) -> Option<&'static CodeRow> {
    [GATEWAY, FLOW, XDM, IMS]
        .into_iter()
        .flatten()
        .find(|(row_family, keys, ..)| *row_family == family && keys.contains(&key))
}

/// What only the text of a refusal shows. Source: recorded refusals in the NetSuite and Pinterest
/// connector tutorials, and "Sources errors" on 1308 (the copy engine's message passed through),
/// read 2026-11.
fn text_row(refusal: &PlatformRefusal) -> Option<(Class, Next)> {
    let code = refusal.code.as_ref()?;
    // 1403-400 is Flow Service's "If-Match missing" and the connectors' "start time has passed".
    if code.number_and_status() == "1403-400" && code.family() == Family::Flow {
        let words = refusal.words();
        return (words.contains("start") && words.contains("time")).then_some((STATE, LOOK));
    }
    if code.family() != Family::Flow
        || !matches!(
            code.number_and_status(),
            "1100-400" | "1308-400" | "1600-400" | "1380-400"
        )
    {
        return None;
    }
    let words = refusal.words();
    let has = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    // A 401 in the provider's words is about the source, never about our token.
    if has(&[
        "401 unauthorized",
        "status code 401",
        "403 forbidden",
        "status code 403",
        "invalid credentials",
        "invalid username",
        "invalid user name",
        "incorrect username",
        "incorrect user name",
        "authentication failed",
        "authentication failure",
        "login failed",
        "logon failed",
        "invalid_grant",
        // OAuth 2.0 (RFC 6749, section 5.2).
        "invalid_client",
        // MySQL and MariaDB. Without the parenthesis it is about a right to a database.
        "(using password:",
        // Windows, and drivers that repeat its words.
        "user name or password is incorrect",
        // Db2, SQL30082N.
        "password invalid",
    ]) {
        return Some((Class::SourceRejectedCredentials, FIX));
    }
    if has(&["not entitled", "permission denied"]) {
        return Some((Class::PermissionDenied, GIVE_UP));
    }
    if has(&[
        "timed out",
        "timeout",
        "time-out",
        "unreachable",
        "cannot connect",
        "could not connect",
        "connection refused",
        "connection reset",
        "could not be resolved",
        "name resolution",
        "status code 429",
        "status code 5",
    ]) {
        return Some((Class::Unavailable, WAIT));
    }
    None
}
