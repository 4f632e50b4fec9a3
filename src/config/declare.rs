//! Turns one declaration per setting into the struct, its doc, the defaults and the table.
//!
//! A declaration has a doc comment, name, type, default, name in the environment, other names
//! there, and what gets worse when the value is raised or lowered.

use super::raw_value::{RawValue, ValueError};

/// What is known of a setting of the configuration `C` besides its value.
pub(super) struct Setting<C> {
    /// Section of the file.
    pub(super) section: &'static str,
    /// Name within the section.
    pub(super) field: &'static str,
    /// Both, with a full stop between them.
    pub(super) key: &'static str,
    /// Name in the environment.
    pub(super) env: &'static str,
    /// Names in the environment that count when the first one is not set.
    pub(super) other_envs: &'static [&'static str],
    /// Lines of the doc comment, each with its leading space.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test generates the reference page")
    )]
    pub(super) doc: &'static [&'static str],
    /// What gets worse when the value is raised; empty where that means nothing.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test generates the reference page")
    )]
    pub(super) raised: &'static str,
    /// What gets worse when the value is lowered; empty where that means nothing.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test generates the reference page")
    )]
    pub(super) lowered: &'static str,
    /// Whether the value is never shown, and never literal in a file.
    pub(super) is_secret: bool,
    /// Reads the value and puts it into the configuration.
    pub(super) set: fn(&mut C, RawValue<'_>) -> Result<(), ValueError>,
    /// The value as the environment would have it.
    pub(super) show: fn(&C) -> String,
}

macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $name:ident $section:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr,
                env $env:literal $(or $other:literal)*
                $(, raised $raised:literal)?
                $(, lowered $lowered:literal)?
                ;
            )+
        }
        $(also { $( $(#[doc = $plain_doc:literal])+ $plain:ident: $plain_type:ty; )+ })?
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone)]
            pub struct $name {
                $(
                    $(#[doc = $doc])+
                    #[doc = ""]
                    #[doc = concat!(
                        "File: `", stringify!($section), ".", stringify!($field),
                        "`; environment: `", $env, "`", $(" or `", $other, "`",)* "."
                    )]
                    #[doc = concat!("Default: `", stringify!($default), "`.")]
                    $(#[doc = concat!("Raised: ", $raised, ".")])?
                    $(#[doc = concat!("Lowered: ", $lowered, ".")])?
                    pub $field: $type,
                )+
                $($( $(#[doc = $plain_doc])+ pub $plain: $plain_type, )+)?
            }

            impl Default for $name {
                fn default() -> Self {
                    Self {
                        $($field: $default,)+
                        $($($plain: Default::default(),)+)?
                    }
                }
            }
        )+

        /// All settings of a worker or a command. `Config::default()` has the defaults of the
        /// reference page.
        #[derive(Debug, Clone, Default)]
        pub struct Config {
            $(
                $(#[doc = $section_doc])+
                pub $section: $name,
            )+
        }

        /// Every setting, in the order of the reference page.
        pub(super) static SETTINGS: &[Setting<Config>] = &[$($(
            Setting {
                section: stringify!($section),
                field: stringify!($field),
                key: concat!(stringify!($section), ".", stringify!($field)),
                env: $env,
                other_envs: &[$($other),*],
                doc: &[$($doc),+],
                raised: concat!($($raised)?),
                lowered: concat!($($lowered)?),
                is_secret: <$type as Value>::IS_SECRET,
                set: |config, raw| {
                    config.$section.$field = <$type as Value>::read(raw)?;
                    Ok(())
                },
                show: |config| config.$section.$field.shown(),
            },
        )+)+];

        /// The sections of the file, each with its doc comment.
        #[cfg(test)]
        pub(super) static SECTIONS: &[(&str, &[&str])] = &[$(
            (stringify!($section), &[$($section_doc),+]),
        )+];
    };
}
pub(super) use settings;
