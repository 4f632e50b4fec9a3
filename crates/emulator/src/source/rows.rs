//! Creates a row from its number.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::table::{Column, ColumnKind, Fill, Table};
use crate::ids::{Ids, mix};

/// The rows of a table, in their order.
pub(super) fn rows(table: &Table) -> impl Iterator<Item = Value> {
    (0..table.row_count).map(|number| row(table, number))
}

/// The `number`th row of a table, counted from 0.
fn row(table: &Table, number: usize) -> Value {
    let cells: Map<String, Value> = table
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            (
                column.name.clone(),
                cell(column, number as u64, place as u64),
            )
        })
        .collect();
    Value::Object(cells)
}

fn cell(column: &Column, number: u64, place: u64) -> Value {
    let draw = mix(number.wrapping_mul(31).wrapping_add(place).wrapping_add(1));
    match &column.fill {
        Fill::Number(first) => Value::from(first + number as i64),
        Fill::OneOf(words) => Value::from(words[(draw % words.len() as u64) as usize].as_str()),
        Fill::Pattern(pattern) => Value::from(pattern.replace('#', &(number + 1).to_string())),
        Fill::Score => Value::from((draw % 21) as f64 / 4.0),
        Fill::Sometimes if number.is_multiple_of(3) => Value::Null,
        Fill::Anything | Fill::Sometimes => anything(column.kind, draw),
    }
}

fn anything(kind: ColumnKind, draw: u64) -> Value {
    let (day, month) = (1 + draw % 28, 1 + (draw >> 8) % 12);
    let (hour, minute, second) = ((draw >> 16) % 24, (draw >> 24) % 60, (draw >> 32) % 60);
    match kind {
        ColumnKind::String => Value::from(format!("text {}", draw % 1000)),
        ColumnKind::Integer => Value::from((draw % 100_000) as i64),
        ColumnKind::Long => Value::from((draw % 9_000_000_000_000) as i64),
        // The quarter makes the value a fraction in JSON.
        ColumnKind::Double | ColumnKind::Float | ColumnKind::Decimal | ColumnKind::Number => {
            json!((draw % 10_000) as f64 / 4.0 + 0.25)
        }
        ColumnKind::Binary => Value::from(BASE64_STANDARD.encode(draw.to_be_bytes())),
        ColumnKind::Uuid => Value::from(Ids::seeded(draw).next_uuid()),
        ColumnKind::Boolean => Value::from(draw.is_multiple_of(2)),
        ColumnKind::Date => Value::from(format!("{:04}-{month:02}-{day:02}", 1950 + draw % 50)),
        // Without a time zone, as previews show it.
        ColumnKind::DateTime => {
            let year = 2023 + draw % 3;
            Value::from(format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
            ))
        }
    }
}
