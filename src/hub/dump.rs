//! A hub's whole database as text, for tests that ask whether anything changed.

use std::fmt::Write as _;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::HubError;

/// Every row of every table, a line each.
pub(super) fn dump(conn: &Connection) -> Result<String, HubError> {
    let mut tables =
        conn.prepare_cached("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    let mut text = String::new();
    for table in tables.collect::<Result<Vec<_>, _>>()? {
        let mut statement = conn.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            text.push_str(&table);
            for column in 0..columns {
                // Writing to a string can't fail.
                let _ = write!(text, " {:?}", row.get::<_, Value>(column)?);
            }
            text.push('\n');
        }
    }
    Ok(text)
}
