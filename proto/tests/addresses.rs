//! No input says where AEP, its token service, Vault or a proxy is: these are the worker's.

use aep_flow_proto::read::from_json;
use aep_flow_proto::v1;

/// Words that name an address.
const WORDS: [&str; 9] = [
    "url",
    "uri",
    "address",
    "endpoint",
    "server",
    "proxy",
    "host",
    "ims",
    "base_path",
];

/// The one address in any message: the source's, which the platform calls and a worker never does.
const SOURCE: (&str, &str) = ("connection.proto", "host");

#[test]
fn no_field_of_any_message_is_named_as_an_address() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/aep/flow/v1");
    let mut fields = 0;
    let mut addresses = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let line = line.trim();
            if line.starts_with("//") {
                continue;
            }
            // `string name = 1;`
            let Some((declared, _)) = line.split_once(" = ") else {
                continue;
            };
            let Some((_, name)) = declared.rsplit_once(' ') else {
                continue;
            };
            fields += 1;
            let words: Vec<&str> = name.split('_').collect();
            if WORDS.iter().any(|word| words.contains(word)) {
                addresses.push((file.clone(), name.to_owned()));
            }
        }
    }
    assert!(fields > 100, "{fields}");
    assert_eq!(addresses, [(SOURCE.0.to_owned(), SOURCE.1.to_owned())]);
}

#[test]
fn an_address_that_is_given_all_the_same_is_refused() {
    let refused = |input: &str, answer: Result<(), aep_flow_proto::read::ReadError>| {
        let error = answer.expect_err(input);
        assert_eq!(error.found, "an unknown field", "{input}: {error}");
        assert!(!error.to_string().contains("evil"), "{input}: {error}");
    };
    for name in [
        "platformUrl",
        "platform_url",
        "imsUrl",
        "vaultAddress",
        "baseUrl",
        "proxy",
    ] {
        let input = format!(r#"{{"{name}": "https://evil.example"}}"#);
        macro_rules! inputs {
            ($($message:ident),+ $(,)?) => {
                $(refused(&input, from_json::<v1::$message>(input.as_bytes()).map(drop));)+
            };
        }
        inputs!(
            IngestOracleServiceCloudInput,
            OracleServiceCloudConnection,
            TestBaseConnectionInput,
            ExploreTablesInput,
            ExploreTableInput,
            CreateSourceConnectionInput,
            EnsureSchemaInput,
            EnsureDatasetInput,
            CreateTargetConnectionInput,
            CreateMappingSetInput,
            CreateDataflowInput,
            FindDataflowInput,
            GetFlowRunsInput,
            Table,
            Schedule,
            SecretReference,
            VaultSecret,
        );
    }
}
