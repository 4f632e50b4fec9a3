//! `aep-flow sources diff`, against an emulator whose specifications were written from Adobe's
//! documents by other hands than the catalogue.

use std::path::Path;

use aep_emulator::{Emulator, SourceOffer};

use super::{Ran, against, finish, folder};

async fn diff(emulator: &Emulator, folder: &Path, more: &[&str]) -> Ran {
    let mut command = against(emulator, folder);
    command.args(["sources", "diff"]).args(more);
    finish(command).await
}

#[tokio::test]
async fn two_readings_of_the_documents_say_the_same() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .unwrap();
    let folder = folder();
    let ran = diff(&emulator, folder.path(), &[]).await;
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 0
    --- stdout
    nothing differs, of 38 compared
    --- stderr
    "###);
    let writes = emulator.journal().into_iter();
    assert_eq!(
        writes
            .filter(|entry| entry.method != "GET" && !entry.route.starts_with("/ims/"))
            .count(),
        0
    );
    let unknown = diff(&emulator, folder.path(), &["postgresq"]).await;
    assert_eq!(unknown.code, 1, "{}", unknown.shown());
    assert!(
        unknown.stderr.contains("`postgresql`"),
        "{}",
        unknown.shown()
    );
    emulator.shutdown().await;
}

#[tokio::test]
async fn each_kind_of_difference_is_told() {
    let mut config = aep_emulator::Config::default();
    let offers = [
        ("phoenix", SourceOffer::Gone),
        ("zoho-crm", SourceOffer::MissingFromFlowSpec),
    ];
    config.source.offers = offers
        .map(|(name, offer)| (name.to_owned(), offer))
        .into_iter()
        .collect();
    let emulator = Emulator::start(config).await.unwrap();
    let folder = folder();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/postgresql.toml");
    let text = std::fs::read_to_string(catalog).unwrap();
    let changed = text
        .replace("version = \"1.0\"", "version = \"1.1\"")
        .replace("row_filter = false", "row_filter = true")
        .replace("Connection String Based Authentication", "Another Way")
        .replace("name = \"port\"", "name = \"portNumber\"")
        .replace("name = \"sslMode\"", "name = \"sslMode\"\noptional = true")
        .replace(
            "name = \"username\"\ndescription = \"Name of the user.\"\nexample = \"svc_aep\"",
            "name = \"username\"\ndescription = \"Name of the user.\"\nsecret = true",
        );
    std::fs::write(own.join("postgresql.toml"), changed).unwrap();
    let ran = diff(&emulator, folder.path(), &["--catalog", "own"]).await;
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 1
    --- stdout
    SOURCE      AUTHENTICATION                          WHAT                      CATALOGUE                             PLATFORM
    phoenix                                             connection specification  102706fb-a5cd-42ee-afe0-bc42f017ff43  none of that id
    postgresql                                          version                   1.1                                   1.0
    postgresql                                          row filter                takes a filter                        takes none
    postgresql  Another Way                             the way itself            offered                               not offered
    postgresql  Basic Authentication                    parameter portNumber      known                                 not known
    postgresql  Basic Authentication                    parameter sslMode         optional                              required
    postgresql  Basic Authentication                    parameter username        a secret                              no secret
    postgresql  Basic Authentication                    parameter port            not known                             required
    postgresql  Connection String Based Authentication  the way itself            not known                             offered
    zoho-crm                                            flow specification        CRMToAEP                              none of that name reads from it
    --- stderr
    "###);

    let one = diff(&emulator, folder.path(), &["phoenix", "--output", "json"]).await;
    assert_eq!(one.code, 1);
    assert_eq!(
        one.json(),
        serde_json::json!({
            "compared": 1,
            "differences": [{
                "source": "phoenix",
                "difference": "spec-gone",
                "catalogue": "102706fb-a5cd-42ee-afe0-bc42f017ff43",
                "platform": "none of that id",
            }],
        })
    );
    emulator.shutdown().await;
}
