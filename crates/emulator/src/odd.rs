//! Responses whose content is odd: entries of lists that are no resources, and times of creation
//! in another form than the guides show.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::call::Call;
use crate::dial::{Action, CreatedForm};

/// The fields in which the services show when a resource was created.
const CREATED: [&str; 4] = ["createdAt", "createdDate", "created", "repo:createdDate"];

/// The response as the action changes it.
pub(crate) fn changed(mut answer: Answer, action: &Action, call: &Call) -> Answer {
    if answer.status != 200 {
        return answer;
    }
    let change = |body: &str| {
        let mut body: Value = serde_json::from_str(body).ok()?;
        match action {
            Action::ListOddEntries if !call.route.template.ends_with('}') => {
                add_odd_entries(&mut body);
            }
            Action::CreatedAs { form } => show_created(&mut body, *form),
            _ => return None,
        }
        Some(body.to_string())
    };
    if let Some(body) = answer.body.as_deref().and_then(change) {
        answer.body = Some(body);
    }
    answer
}

/// A `null`, and an entry that has a name but no id: in front, where a reader meets them first.
fn add_odd_entries(body: &mut Value) {
    let odd = |named: Value| [Value::Null, named];
    match body {
        Value::Array(entries) => {
            entries.splice(0..0, odd(Value::Object(Map::new())));
        }
        Value::Object(fields) => {
            let lists = ["items", "results", "data", "sandboxes"];
            let list = lists.into_iter().find(|name| fields.contains_key(*name));
            match list.and_then(|name| fields.get_mut(name)) {
                Some(list) => add_odd_entries(list),
                // Catalog's lists are maps from ids.
                None => {
                    fields.insert("0".to_owned(), Value::Null);
                    fields.insert("00".to_owned(), Value::from("no dataset"));
                }
            }
        }
        _ => {}
    }
}

fn show_created(value: &mut Value, form: CreatedForm) {
    match value {
        Value::Array(entries) => {
            for entry in entries {
                show_created(entry, form);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_i64().filter(|_| CREATED.contains(&name.as_str())) {
                    Some(ms) => *field = shown(ms, form),
                    None => show_created(field, form),
                }
            }
        }
        _ => {}
    }
}

fn shown(ms: i64, form: CreatedForm) -> Value {
    match form {
        CreatedForm::Text => Timestamp::from_millisecond(ms)
            .map_or(Value::Null, |time| Value::from(time.to_string())),
        CreatedForm::Unknown => Value::from("a while ago"),
    }
}
