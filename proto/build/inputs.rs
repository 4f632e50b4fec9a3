//! Which messages are sent to workers: the inputs of activities, workflows, updates and signals.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::{DescriptorProto, FileDescriptorSet};

use crate::{PACKAGE, own_files};

/// Inputs whose name does not say so.
const NAMED_OTHERWISE: [&str; 3] = ["Connection", "OracleServiceCloudConnection", "OpenCreate"];

/// Holds parts of results, and only workers of one version hand it to each other.
const HANDED_OVER: &str = "Continued";

/// The full names of the inputs, and of the messages and enums in them.
pub(crate) fn of(descriptors: &FileDescriptorSet) -> BTreeSet<String> {
    let messages: BTreeMap<String, &DescriptorProto> = own_files(descriptors)
        .flat_map(|file| &file.message_type)
        .map(|message| (format!("{PACKAGE}{}", message.name()), message))
        .collect();
    let is_input = |message: &DescriptorProto| {
        message.name().ends_with("Input") || NAMED_OTHERWISE.contains(&message.name())
    };
    let mut left: Vec<String> = messages
        .iter()
        .filter(|(_, message)| is_input(message))
        .map(|(name, _)| name.clone())
        .collect();
    let mut inputs = BTreeSet::new();
    while let Some(name) = left.pop() {
        if !name.starts_with(PACKAGE) || name == format!("{PACKAGE}{HANDED_OVER}") {
            continue;
        }
        let fields = messages.get(&name).map(|message| &message.field);
        if inputs.insert(name) {
            let types = fields.into_iter().flatten().map(|field| field.type_name());
            left.extend(types.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    inputs
}
