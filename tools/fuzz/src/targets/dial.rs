//! Rules of the emulator's fault dial, in YAML or JSON.

pub(super) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(rules) = aep_emulator::read_rules(&text) {
        let written = serde_json::to_string(&rules).expect("rules are JSON");
        let again = aep_emulator::read_rules(&written).expect("what was written");
        assert_eq!(again, rules, "round trip");
    }
}
