//! The functions of Data Prep, with how many arguments each takes.
//!
//! Source: Data Prep mapping functions, including newer additions to the list, read 2026-11.

/// More arguments than an expression has room for.
const ANY: usize = usize::MAX;

/// The name, and the smallest and the largest number of arguments.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    // Strings.
    ("concat", 1, ANY),
    ("explode", 1, 2),
    ("instr", 2, 4),
    ("replacestr", 3, 3),
    ("substr", 3, 3),
    ("lower", 1, 1),
    ("lcase", 1, 1),
    ("upper", 1, 1),
    ("ucase", 1, 1),
    ("split", 2, 2),
    ("join", 2, 2),
    ("lpad", 3, 3),
    ("rpad", 3, 3),
    ("left", 2, 2),
    ("right", 2, 2),
    ("ltrim", 1, 1),
    ("rtrim", 1, 1),
    ("trim", 1, 1),
    ("extract_regex", 2, 2),
    ("matches_regex", 2, 2),
    // Hashes.
    ("sha1", 1, 2),
    ("sha256", 1, 2),
    ("sha512", 1, 2),
    ("md5", 1, 2),
    ("crc32", 1, 2),
    // URLs.
    ("get_url_protocol", 1, 1),
    ("get_url_host", 1, 1),
    ("get_url_port", 1, 1),
    ("get_url_path", 1, 2),
    ("get_url_query_str", 2, 2),
    ("get_url_encoded", 1, 1),
    ("get_url_decoded", 1, 1),
    // Dates.
    ("now", 0, 0),
    ("timestamp", 0, 0),
    ("format", 2, 2),
    ("dformat", 2, 2),
    ("date", 1, 3),
    ("date_part", 2, 2),
    ("set_date_part", 3, 3),
    ("make_date_time", 7, 8),
    ("make_timestamp", 7, 8),
    ("zone_date_to_utc", 1, 1),
    ("zone_date_to_zone", 2, 2),
    // Objects and maps.
    ("size_of", 1, 1),
    ("is_empty", 1, 1),
    ("arrays_to_object", 1, ANY),
    ("to_object", 2, ANY),
    ("str_to_object", 1, 3),
    ("contains_key", 1, 1),
    ("is_set", 1, 1),
    ("nullify", 0, 0),
    ("get_keys", 1, 1),
    ("get_values", 3, 4),
    ("map_get_values", 2, 2),
    ("map_has_keys", 2, 2),
    ("add_to_map", 2, ANY),
    ("object_to_map", 1, ANY),
    ("to_map", 1, ANY),
    // Arrays.
    ("coalesce", 1, ANY),
    ("first", 1, ANY),
    ("last", 1, ANY),
    ("add_to_array", 2, ANY),
    ("join_arrays", 2, ANY),
    ("to_array", 2, ANY),
    ("array_to_map", 2, 2),
    ("upsert_array_append", 1, 1),
    ("upsert_array_replace", 1, 2),
    // Logic, comparison, types.
    ("decode", 3, ANY),
    ("iif", 3, 3),
    ("min", 1, ANY),
    ("max", 1, ANY),
    ("to_bigint", 1, 1),
    ("to_decimal", 1, 1),
    ("to_float", 1, 1),
    ("to_integer", 1, 1),
    ("json_to_object", 1, 1),
    ("xml_to_json", 1, 1),
    // Ids and user agents.
    ("uuid", 0, 0),
    ("guid", 0, 0),
    ("fpid_to_ecid", 1, 1),
    ("ua_os_name", 1, 1),
    ("ua_os_version_major", 1, 1),
    ("ua_os_version", 1, 1),
    ("ua_os_name_version", 1, 1),
    ("ua_agent_version", 1, 1),
    ("ua_agent_version_major", 1, 1),
    ("ua_agent_name", 1, 1),
    ("ua_device_class", 1, 1),
];

/// What can be called on a value: `"a".equals("b")`.
const METHODS: &[&str] = &["equals", "equalsIgnoreCase"];

/// Whether the function of this name takes this number of arguments; `None` if there is no such
/// function.
pub(super) fn takes(name: &str, arguments: usize) -> Option<bool> {
    let found = FUNCTIONS.iter().find(|(known, _, _)| *known == name);
    found.map(|(_, fewest, most)| (*fewest..=*most).contains(&arguments))
}

/// The same for a method.
pub(super) fn method_takes(name: &str, arguments: usize) -> Option<bool> {
    METHODS.contains(&name).then_some(arguments == 1)
}
