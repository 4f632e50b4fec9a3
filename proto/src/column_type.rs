//! The type of a column, whatever word its source has for it.
//!
//! This is the only reader of such words. It cuts what is in parentheses, case, blanks, `_` and
//! `-`, and looks the rest up in one table. A word that means different things to different vendors
//! (`bit`) is not in the table: the catalogue may say what it means to one source.
//!
//! Sources: Adobe's "Explore a tabular data source" and "Field constraints"; the pages on data types
//! in the manuals of Azure Data Explorer, BigQuery, Cassandra, Databricks, Db2, Greenplum, Hive,
//! MariaDB, MySQL, OData, Oracle, Phoenix, PostgreSQL, Redshift, Salesforce, ServiceNow, Snowflake,
//! Spark, SQL Server, Synapse, Teradata and Vertica, read 2026-11.

use crate::json::Object;

/// Most decimal digits that a number of JSON always keeps: it is a 64-bit float to most readers.
const EXACT_DIGITS: i32 = 15;

/// Most decimal digits that every 32-bit integer type holds.
const INTEGER_DIGITS: i32 = 9;

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Texts, and what is written as one: ids, times of day, intervals, JSON, XML.
    Text,
    /// True or false.
    Boolean,
    /// Whole numbers of at most 32 bits.
    Integer,
    /// Whole numbers of 64 bits.
    Long,
    /// Whole numbers with more digits than XDM's integers hold.
    WideInteger,
    /// Numbers.
    Number,
    /// Decimals with more digits than a number of JSON keeps.
    WideNumber,
    /// Days.
    Date,
    /// Points in time.
    DateTime,
}

impl ColumnType {
    /// The type that a source calls `spelling`; none if the word is unknown, or if vendors disagree
    /// about it.
    ///
    /// The size in parentheses counts for decimals: `NUMBER(9)` is an integer, `NUMBER(38,0)` a wide
    /// one. It also counts for `TINYINT(1)`, which MySQL's drivers take for a boolean.
    #[must_use]
    pub fn read(spelling: &str) -> Option<Self> {
        let Spelling { word, sizes } = Spelling::of(spelling)?;
        Some(match word.as_str() {
            "string"
            | "text"
            | "varchar"
            | "char"
            | "character"
            | "charactervarying"
            | "charvarying"
            | "nchar"
            | "nvarchar"
            | "varchar2"
            | "nvarchar2"
            | "bpchar"
            | "nationalchar"
            | "nationalcharacter"
            | "nationalcharactervarying"
            | "longvarchar"
            | "longnvarchar"
            | "tinytext"
            | "mediumtext"
            | "longtext"
            | "ntext"
            | "citext"
            | "clob"
            | "nclob"
            | "dbclob"
            | "characterlargeobject"
            | "graphic"
            | "vargraphic"
            | "longvargraphic"
            | "ascii"
            | "enum"
            | "set"
            | "uuid"
            | "guid"
            | "timeuuid"
            | "uniqueidentifier"
            | "json"
            | "jsonb"
            | "xml"
            | "inet"
            | "cidr"
            | "macaddr"
            | "rowid"
            | "urowid"
            | "sysname"
            | "time"
            | "timetz"
            | "timewithtimezone"
            | "timewithouttimezone"
            | "timeofday"
            | "timespan"
            | "duration"
            | "interval"
            | "id"
            | "reference"
            | "picklist"
            | "multipicklist"
            | "textarea"
            | "phone"
            | "email"
            | "url"
            | "combobox"
            | "encryptedstring" => Self::Text,

            "boolean" | "bool" => Self::Boolean,

            "tinyint" if sizes == [Some(1)] => return None,
            "integer" | "int" | "int32" | "int16" | "int2" | "int4" | "short" | "smallint"
            | "mediumint" | "tinyint" | "byteint" | "byte" | "sbyte" | "serial" | "serial4"
            | "smallserial" | "serial2" | "year" | "uint8" | "uint16" | "tinyintunsigned"
            | "smallintunsigned" | "mediumintunsigned" | "unsignedtinyint" | "unsignedsmallint" => {
                Self::Integer
            }

            "long" | "int64" | "int8" | "bigint" | "bigserial" | "serial8" | "longint"
            | "counter" | "uint32" | "intunsigned" | "integerunsigned" | "unsignedint" => {
                Self::Long
            }

            "bigintunsigned" | "uint64" | "unsignedlong" | "varint" => Self::WideInteger,

            "decimal" | "number" | "numeric" | "dec" | "fixed" | "decimalunsigned"
            | "numericunsigned" => of_digits(&sizes)?,

            "double" | "float" | "single" | "real" | "doubleprecision" | "float4" | "float8"
            | "float32" | "float64" | "binaryfloat" | "binarydouble" | "smallmoney"
            | "currency" | "percent" | "floatunsigned" | "doubleunsigned" | "unsignedfloat"
            | "unsigneddouble" => Self::Number,

            "money" | "decfloat" | "bignumeric" | "bigdecimal" => Self::WideNumber,

            "date" | "glidedate" => Self::Date,

            "datetime"
            | "datetime2"
            | "smalldatetime"
            | "datetimeoffset"
            | "timestamp"
            | "timestamptz"
            | "timestampltz"
            | "timestampntz"
            | "timestampwithtimezone"
            | "timestampwithouttimezone"
            | "timestampwithlocaltimezone"
            | "unsignedtimestamp"
            | "glidedatetime" => Self::DateTime,

            word if word.starts_with("interval") => Self::Text,
            _ => return None,
        })
    }

    /// The XDM type of its field. A wide number becomes text, which keeps every digit.
    #[must_use]
    pub fn xdm(self) -> &'static str {
        match self {
            Self::Text | Self::WideInteger | Self::WideNumber => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::Number => "number",
            Self::Date => "date",
            Self::DateTime => "date-time",
        }
    }

    /// Whether its field is text although its values are numbers.
    #[must_use]
    pub fn is_wide(self) -> bool {
        matches!(self, Self::WideInteger | Self::WideNumber)
    }

    /// Whether its values grow in time or in number.
    #[must_use]
    pub fn order(self) -> Option<Order> {
        match self {
            Self::Date | Self::DateTime => Some(Order::InTime),
            Self::Integer | Self::Long | Self::WideInteger => Some(Order::InNumber),
            Self::Text | Self::Boolean | Self::Number | Self::WideNumber => None,
        }
    }
}

/// How a column's values show which rows are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// By a date or a time.
    InTime,
    /// By a whole number, such as a version.
    InNumber,
}

/// What is said of an explored column's type, the most telling first: by the XDM type that the
/// platform suggests, by `meta:xdmType`, and by the source's own word.
#[must_use]
pub fn suggested(column: &Object) -> Vec<ColumnType> {
    let xdm = |key: &str| column.0.get("xdm")?.get(key)?.as_str();
    [
        xdm("format"),
        xdm("type"),
        column.text("meta:xdmType"),
        column.text("type"),
    ]
    .into_iter()
    .flatten()
    .filter_map(ColumnType::read)
    .collect()
}

/// The key of a source's word, as the catalogue and [`ColumnType::read`] compare it.
#[must_use]
pub fn key(spelling: &str) -> Option<String> {
    Spelling::of(spelling).map(|spelling| spelling.word)
}

/// A decimal of these digits, `[precision, scale]`. Without any, Adobe's own word for it is a number.
fn of_digits(sizes: &[Option<i32>]) -> Option<ColumnType> {
    let (precision, scale) = match *sizes {
        [] => return Some(ColumnType::Number),
        [precision] => (precision, 0),
        [precision, scale] => (precision, scale?),
        _ => return None,
    };
    // `NUMBER(9,-2)` has eleven digits; `*` stands for as many as there may be.
    let digits = precision.map(|precision| precision.saturating_sub(scale.min(0)));
    Some(match digits {
        Some(digits) if digits <= INTEGER_DIGITS && scale <= 0 => ColumnType::Integer,
        Some(digits) if digits <= EXACT_DIGITS && scale <= 0 => ColumnType::Long,
        Some(digits) if digits <= EXACT_DIGITS => ColumnType::Number,
        _ if scale <= 0 => ColumnType::WideInteger,
        _ => ColumnType::WideNumber,
    })
}

/// A type's name without what only tells its size or its style.
struct Spelling {
    /// In lower case, without blanks, `_` and `-`.
    word: String,
    /// The numbers in the first parentheses; none for `*` and for what is no number.
    sizes: Vec<Option<i32>>,
}

impl Spelling {
    /// None for what is more than a word, such as `array<int>`, `int[]` and `_int4`.
    fn of(spelling: &str) -> Option<Self> {
        let lower = spelling.trim().to_lowercase();
        let name = ["edm.", "system."]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
            .unwrap_or(&lower);
        if name.starts_with('_') {
            return None;
        }
        let mut word = String::with_capacity(name.len());
        let mut sizes = None;
        let mut rest = name;
        while let Some((before, behind)) = rest.split_once('(') {
            // Parentheses within parentheses leave one that no word has.
            let (inside, after) = behind.split_once(')')?;
            word.push_str(before);
            sizes.get_or_insert_with(|| {
                let numbers = inside.split(',').map(|number| number.trim().parse().ok());
                numbers.collect()
            });
            rest = after;
        }
        word.push_str(rest);
        word.retain(|each| !each.is_whitespace() && !matches!(each, '_' | '-'));
        let zerofill = word.strip_suffix("zerofill").map(str::len);
        word.truncate(zerofill.unwrap_or(word.len()));
        let is_word = !word.is_empty() && word.bytes().all(|each| each.is_ascii_alphanumeric());
        is_word.then(|| Self {
            word,
            sizes: sizes.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// What vendors call their types, and what that is.
    const SPELLINGS: &[(&str, Option<ColumnType>)] = &[
        ("timestamptz", Some(ColumnType::DateTime)),
        ("TIMESTAMP(6) WITH TIME ZONE", Some(ColumnType::DateTime)),
        ("timestamp with local time zone", Some(ColumnType::DateTime)),
        ("datetimeoffset", Some(ColumnType::DateTime)),
        ("datetimeoffset(7)", Some(ColumnType::DateTime)),
        ("datetime2(7)", Some(ColumnType::DateTime)),
        ("TIMESTAMP_NTZ(9)", Some(ColumnType::DateTime)),
        ("Edm.DateTimeOffset", Some(ColumnType::DateTime)),
        ("System.DateTime", Some(ColumnType::DateTime)),
        ("date-time", Some(ColumnType::DateTime)),
        ("glide_date_time", Some(ColumnType::DateTime)),
        ("DATE", Some(ColumnType::Date)),
        ("time(3)", Some(ColumnType::Text)),
        ("time without time zone", Some(ColumnType::Text)),
        ("INTERVAL DAY(2) TO SECOND(6)", Some(ColumnType::Text)),
        ("NUMBER", Some(ColumnType::Number)),
        ("NUMBER(9)", Some(ColumnType::Integer)),
        ("NUMBER(10,0)", Some(ColumnType::Long)),
        ("NUMBER(15)", Some(ColumnType::Long)),
        ("NUMBER(16)", Some(ColumnType::WideInteger)),
        ("NUMBER(38,0)", Some(ColumnType::WideInteger)),
        ("NUMBER(*,0)", Some(ColumnType::WideInteger)),
        ("NUMBER(9,-2)", Some(ColumnType::Long)),
        ("NUMBER(*,10)", Some(ColumnType::WideNumber)),
        ("decimal(10, 2)", Some(ColumnType::Number)),
        ("decimal(19,4)", Some(ColumnType::WideNumber)),
        ("DECIMAL(10,2) UNSIGNED ZEROFILL", Some(ColumnType::Number)),
        (
            "number(2147483647,-2147483648)",
            Some(ColumnType::WideInteger),
        ),
        ("real", Some(ColumnType::Number)),
        ("double precision", Some(ColumnType::Number)),
        ("FLOAT(24)", Some(ColumnType::Number)),
        ("money", Some(ColumnType::WideNumber)),
        ("smallmoney", Some(ColumnType::Number)),
        ("tinyint", Some(ColumnType::Integer)),
        ("tinyint(4)", Some(ColumnType::Integer)),
        ("tinyint(1)", None),
        ("int(10) unsigned zerofill", Some(ColumnType::Long)),
        ("BIGINT UNSIGNED", Some(ColumnType::WideInteger)),
        ("varint", Some(ColumnType::WideInteger)),
        ("character varying(255)", Some(ColumnType::Text)),
        ("NVARCHAR2(10 CHAR)", Some(ColumnType::Text)),
        ("enum('a','b')", Some(ColumnType::Text)),
        ("uniqueidentifier", Some(ColumnType::Text)),
        ("boolean", Some(ColumnType::Boolean)),
        // To SQL Server true or false, to MySQL and PostgreSQL a string of bits.
        ("BIT", None),
        ("bit(1)", None),
        ("array<int>", None),
        ("int[]", None),
        ("_int4", None),
        ("Collection(Edm.Int32)", None),
        ("struct<a:timestamp>", None),
        ("STRUCT(a timestamp)", None),
        ("nested(a(b))timestamp", None),
        ("timestamp(", None),
        ("object", None),
        ("varbinary(max)", None),
        ("geography", None),
        ("größe", None),
        ("", None),
        ("_", None),
    ];

    #[test]
    fn every_vendors_spelling_is_read() {
        for (spelling, expected) in SPELLINGS {
            assert_eq!(ColumnType::read(spelling), *expected, "{spelling}");
        }
    }

    /// The same type in another style: case, blanks around it and in it, `_` in place of a blank.
    fn styled(spelling: &'static str) -> impl Strategy<Value = String> {
        let cases = prop::collection::vec(any::<bool>(), spelling.chars().count());
        (cases, prop::sample::select(vec![" ", "  ", "_", "\t"])).prop_map(move |(upper, gap)| {
            let mut styled = String::from(" ");
            for (each, upper) in spelling.chars().zip(upper) {
                // Within parentheses a blank stays one: no source has `(10,_2)`.
                let is_inside = styled.matches('(').count() > styled.matches(')').count();
                match each {
                    ' ' if !is_inside => styled.push_str(gap),
                    each if upper => styled.push(each.to_ascii_uppercase()),
                    each => styled.push(each.to_ascii_lowercase()),
                }
            }
            styled.push(' ');
            styled
        })
    }

    proptest! {
        #[test]
        fn style_changes_nothing(
            (styled, expected) in prop::sample::select(SPELLINGS.to_vec())
                .prop_flat_map(|(spelling, expected)| (styled(spelling), Just(expected)))
        ) {
            prop_assert_eq!(ColumnType::read(&styled), expected, "{}", styled);
        }

        #[test]
        fn a_field_holds_every_digit(precision in 1..60_i32, scale in -10..60_i32) {
            let read = ColumnType::read(&format!("NUMBER({precision},{scale})")).unwrap();
            let digits = precision - scale.min(0);
            match read {
                ColumnType::Integer => prop_assert!(digits <= 9 && scale <= 0),
                ColumnType::Long | ColumnType::Number => prop_assert!(digits <= 15),
                ColumnType::WideInteger | ColumnType::WideNumber => prop_assert!(digits > 15),
                other => prop_assert!(false, "{:?}", other),
            }
            prop_assert_eq!(read.order() == Some(Order::InNumber), scale <= 0);
        }

        #[test]
        fn any_text_is_read_without_a_panic(spelling in "\\PC{0,40}") {
            let _ = ColumnType::read(&spelling);
            let _ = ColumnType::read(&format!("number({spelling})"));
        }
    }

    #[test]
    fn the_platforms_suggestion_comes_first() {
        let column = |value: serde_json::Value| Object(value.as_object().unwrap().clone());
        let all = column(
            json!({"name": "a", "type": "timestamptz", "meta:xdmType": "date",
                                "xdm": {"type": "String", "format": "uri"}}),
        );
        assert_eq!(
            suggested(&all),
            [ColumnType::Text, ColumnType::Date, ColumnType::DateTime]
        );
        assert_eq!(suggested(&column(json!({"type": 7, "xdm": []}))), []);
    }
}
