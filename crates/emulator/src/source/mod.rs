//! The systems that base connections lead to: who may log in, and tables with typed columns and
//! rows.
//!
//! A row depends only on its number, so every start has the same rows.

mod login;
mod row_filter;
mod rows;
mod table;
mod tables;

pub(crate) use login::lets_in;
pub(crate) use row_filter::{RowFilter, RowFilterError, count_passing, passing};
pub(crate) use table::Table;
pub(crate) use tables::Tables;
